import { randomBytes } from 'node:crypto'
import {
  Fault,
  isRefusal,
  refusal,
  sessionId,
  sourceAddress,
  type Account,
  type AuthorizationServer,
  type Clock,
  type ConnectDecision,
  type DeviceSignIn,
  type Gate,
  type Interrupts,
  type LoginClaim,
  type OfferedKey,
  type Refusal,
  type Resource,
  type Secret,
  type Session,
  type StreamProtocol,
  type Subject,
} from '@sallyport/core'
import type { Authenticated, Authenticator, Tokens } from '@sallyport/identity'
import type { Recordings } from '@sallyport/recording'
import type { Grant, Store } from '@sallyport/store'
import { inUnits } from './access-requests.ts'
import { SessionAudience } from './audience.ts'
import type { CurrentPolicy } from './current-policy.ts'
import { isOutsideHours } from './denial.ts'
import { Enforcer } from './enforcer.ts'
import type { Notify } from './events.ts'
import { LateResults } from './late-results.ts'
import { LiveSession, type Dial, type FindCredential } from './live-session.ts'
import type { Reviews } from './reviews.ts'
import { needsStepUp, type StepUpDoor } from './step-up.ts'
import type { LiveSessions } from './sessions.ts'

/** Holds off whoever fails to log in too often, over all processes of the gateway. */
export interface FailureThrottle {
  check(...keys: readonly string[]): Refusal | undefined | Promise<Refusal | undefined>
  failed(...keys: readonly string[]): void
}

/** Sign-ins that somebody completes in a browser. */
export interface DeviceDoor {
  begin(
    program: string,
    address: string,
  ):
    | Refusal
    | { readonly url: string; readonly userCode: string; readonly deviceCode: Secret }
    | Promise<Refusal | { readonly url: string; readonly userCode: string; readonly deviceCode: Secret }>
  /** @returns an access token */
  wait(deviceCode: Secret, signal: AbortSignal): Promise<Secret | Refusal>
  /** Where programs that speak OAuth begin them. */
  discover(address: string): AuthorizationServer | Refusal | Promise<AuthorizationServer | Refusal>
}

export interface GateParts {
  readonly store: Store
  readonly recordings: Pick<Recordings, 'open'>
  readonly policy: CurrentPolicy
  readonly reviews: Reviews
  readonly sessions: LiveSessions
  readonly interrupts: Interrupts
  readonly tokens: Pick<Authenticator, 'authenticate' | 'accepts'> & Pick<Tokens, 'watch'>
  readonly throttle: FailureThrottle
  readonly devices: DeviceDoor
  readonly stepUp: StepUpDoor
  readonly dial: Dial
  readonly credential: FindCredential
  readonly clock: Clock
  readonly notify: Notify
}

/** One protocol's way in: the whole ceremony of a log-in, in one order. */
export class AccessGate<Options> implements Gate<Options> {
  readonly #protocol: Pick<StreamProtocol<Options>, 'name' | 'options'>
  readonly #parts: GateParts
  readonly #decoy: Resource

  constructor(protocol: Pick<StreamProtocol<Options>, 'name' | 'options'>, parts: GateParts) {
    this.#protocol = protocol
    this.#parts = parts
    this.#decoy = decoyOf(protocol.name)
  }

  /** To offer a key is no guess: clients offer all that they have. Whoever guessed elsewhere is told nothing, though. */
  async accepts(key: OfferedKey, clientAddress: string): Promise<boolean> {
    const { throttle, tokens } = this.#parts
    if ((await throttle.check(clientAddress)) !== undefined) return false
    return tokens.accepts(key, clientAddress)
  }

  async signIn(clientAddress: string): Promise<DeviceSignIn | Refusal> {
    const { devices, throttle } = this.#parts
    const throttled = await throttle.check(clientAddress)
    if (throttled !== undefined) return throttled
    const begun = await devices.begin(this.#protocol.name, clientAddress)
    if (isRefusal(begun)) return begun
    const { url, userCode, deviceCode } = begun
    return {
      url: `${url}?code=${userCode}`,
      code: userCode,
      wait: (signal) => devices.wait(deviceCode, signal),
    }
  }

  async authorizationServer(clientAddress: string): Promise<AuthorizationServer | Refusal> {
    const { devices, throttle } = this.#parts
    return (await throttle.check(clientAddress)) ?? devices.discover(clientAddress)
  }

  get interrupts(): Pick<Interrupts, 'register'> {
    return this.#parts.interrupts
  }

  async interrupt(key: Uint8Array, clientAddress: string): Promise<boolean> {
    const { interrupts, throttle } = this.#parts
    if (key.length > guessableKeyBytes) return interrupts.fire(key)
    if ((await throttle.check(clientAddress)) !== undefined) return false
    const isKnown = await interrupts.fire(key)
    if (!isKnown) throttle.failed(clientAddress)
    return isKnown
  }

  /** @throws Fault gateway/cannot-record, gateway/store-unavailable, gateway/overloaded, gateway/draining */
  async open(claim: LoginClaim): Promise<Session<Options> | Refusal> {
    const { throttle, tokens, sessions, store } = this.#parts
    const throttled = await throttle.check(claim.clientAddress)
    if (throttled !== undefined) return this.#refused(claim, throttled)
    const known = await tokens.authenticate(claim.credential, claim.clientAddress)
    if (isRefusal(known)) {
      throttle.failed(claim.clientAddress)
      return this.#refused(claim, known)
    }
    const subject = from(known.subject, claim.clientAddress)
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const { epoch } = sessions
      const resource = await store.read.resources.get(claim.resource)
      const grant = await this.#grantFor(subject, this.#judge(subject, resource, claim.account))
      if (sessions.epoch !== epoch) continue
      const permitted = this.#permitted(known, this.#judge(subject, resource, claim.account), grant)
      if (isRefusal(permitted)) return this.#refused(claim, permitted)
      return this.#begin(claim, { known, subject }, permitted)
    }
    throw new Fault('gateway/overloaded', 'the resources are changing too fast to let anyone in')
  }

  #refused(claim: LoginClaim, refused: Refusal): Refusal {
    const { clientAddress, resource } = claim
    this.#parts.notify({ kind: 'log-in-refused', clientAddress, resource, code: refused.code })
    return refused
  }

  /** A resource that is not there is judged too, as a decoy: neither answer nor its time tells it from a forbidden one. */
  #judge(subject: Subject, found: Resource | undefined, asked: string | undefined): Judged {
    const isOurs = found !== undefined && found.protocol === this.#protocol.name
    const resource = isOurs ? found : this.#decoy
    const account = resource.accounts.find(({ name }, i) => (asked === undefined ? i === 0 : name === asked))
    const decision = this.#parts.policy.point.connect(subject, resource, account?.name ?? '')
    return { resource: isOurs ? found : undefined, account, decision }
  }

  /** Read only where policy asks for one. */
  async #grantFor(subject: Subject, { resource, account, decision }: Judged): Promise<Grant | undefined> {
    if (resource === undefined || account === undefined || decision.effect !== 'request') return undefined
    const { store, clock, policy } = this.#parts
    const place = {
      principalId: subject.principal.id,
      actorKeys: policy.point.holders(subject, resource, account.name),
      resource: resource.name,
      account: account.name,
    }
    return store.read.grants.goodFor(place, clock.now())
  }

  #permitted(
    { subject, token }: Authenticated,
    { resource, account, decision }: Judged,
    grant: Grant | undefined,
  ): Permitted<Options> | Refusal {
    if (resource === undefined || account === undefined) return noSuchAccess
    const permitted = {
      resource: { ...resource, options: this.#protocol.options(resource.options) },
      account,
    }
    switch (decision.effect) {
      case 'allow':
        return { ...permitted, grant: undefined }
      case 'request':
        return grant === undefined ? notGranted(resource, account, decision) : { ...permitted, grant }
      case 'step-up':
        return needsStepUp(decision, { subject, token, door: this.#parts.stepUp }, 'connect again')
      case 'deny':
      case 'review':
        return isOutsideHours(decision) ? refusal('denied', decision.reason ?? '') : noSuchAccess
    }
  }

  async #begin(
    { clientAddress, clientApplication }: LoginClaim,
    { known, subject }: { readonly known: Authenticated; readonly subject: Subject },
    { resource, account, grant }: Permitted<Options>,
  ): Promise<Session<Options> | Refusal> {
    // From the judgement to its registration nothing is awaited: no other policy or resource can fall in between. What
    // happens to the token meanwhile, its watch tells.
    const { store, sessions, policy, tokens, clock } = this.#parts
    sessions.checkRoom()
    const { token } = known
    const id = sessionId(clock.now(), randomBytes(16))
    const audience = new SessionAudience(this.#parts.recordings.open(id), clock)
    const recorder = new LateResults(audience)
    const policyVersion = policy.point.version
    const { principal, actor, scope } = subject
    const row = { principal, actor, resource: resource.name, protocol: resource.protocol }
    recorder.append({
      kind: 'opened',
      session: id,
      ...row,
      ...(scope !== undefined && { scope }),
      account: account.name,
      clientAddress,
      ...(clientApplication !== undefined && { clientApplication }),
      policyVersion,
      ...(subject.signedIn !== undefined && { signedIn: subject.signedIn }),
      ...(grant !== undefined && { grant: grant.id }),
    })
    const session = new LiveSession<Options>({
      ...this.#parts,
      id,
      subject,
      resource,
      account,
      clientAddress,
      token,
      grant,
      watch: (listener) => tokens.watch(known, listener),
      ends: sessions.ends,
      recorder,
      audience,
      enforcer: (live) =>
        new Enforcer({
          ...this.#parts,
          session: id,
          resource,
          account: account.name,
          token,
          live,
          recorder,
          audience,
        }),
      onOver: (over) => sessions.forget(over),
    })
    sessions.admit(session)
    try {
      recorder.commit()
      await store.traffic.sessionOpened({
        id,
        ...row,
        account: account.name,
        clientAddress,
        policyVersion,
        grantId: grant?.id ?? null,
        token: token.id,
      })
    } catch (thrown) {
      await session[Symbol.asyncDispose]()
      throw thrown
    }
    const stands = grant === undefined ? {} : { grant: grant.id }
    this.#parts.notify({ kind: 'session-opened', session: id, subject, ...place(session), ...stands })
    return session
  }
}

/** What was asked for, where it is there, and what policy says of it. */
interface Judged {
  readonly resource: Resource | undefined
  readonly account: Account | undefined
  readonly decision: ConnectDecision
}

interface Permitted<Options> {
  readonly resource: Resource<Options>
  readonly account: Account
  /** What it stands on, where policy asks for one. */
  readonly grant: Grant | undefined
}

/** Somebody at an address: policy may look at it, for as long as the session lives. */
function from(subject: Subject, clientAddress: string): Subject {
  const source = sourceAddress(clientAddress)
  return source === undefined ? subject : { ...subject, source }
}

function place({ resource, account, clientAddress }: LiveSession): {
  resource: string
  account: string
  clientAddress: string
} {
  return { resource: resource.name, account, clientAddress }
}

/** Not a name that a resource may have, so that no policy speaks of it. */
function decoyOf(protocol: string): Resource {
  return {
    name: ' ',
    protocol,
    host: '',
    port: 0,
    agent: '',
    labels: {},
    accounts: [{ name: ' ', credential: { from: 'none' } }],
    masking: { mode: 'strict', columns: [], detectors: [], redactors: {} },
    recording: 'batched',
    options: {},
  }
}

/** They may ask for it, and so may know of it: the very command to paste, in the one line that every client shows. */
function notGranted(
  { name }: Resource,
  account: Account,
  { reason, terms }: ConnectDecision & { readonly effect: 'request' },
): Refusal {
  const command = `sallyport request ${name} --account ${account.name} --for ${inUnits(terms.durationMs)} --reason "…"`
  const why = reason === undefined ? '' : ` (${reason})`
  return refusal('not-granted', `access has to be asked for${why}: ${command}`)
}

const noSuchAccess = refusal(
  'no-such-access',
  'there is no such resource or account, or you may not reach it',
  'see what you may reach: sallyport ls',
)
const maxAttempts = 5
/** Of such a key 4 bytes are secret: PostgreSQL's protocol 3.0 has room for no more. */
const guessableKeyBytes = 8
