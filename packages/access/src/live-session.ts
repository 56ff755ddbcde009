import type { Duplex } from 'node:stream'
import {
  actorKey,
  asFault,
  Fault,
  isRefusal,
  refusal,
  type Account,
  type Authorization,
  type Clock,
  type ConnectDecision,
  type CredentialRequest,
  type Facts,
  type FoundCredential,
  type Operation,
  type Outcome,
  type Passage,
  type Permit,
  type Refusal,
  type Resource,
  type Session,
  type SessionId,
  type Subject,
  type Tell,
  type UpstreamCredential,
} from '@sallyport/core'
import type { Authenticated, OnStanding } from '@sallyport/identity'
import type { Recorder } from '@sallyport/recording'
import type { Grant } from '@sallyport/store'
import type { SessionAudience } from './audience.ts'
import type { CurrentPolicy } from './current-policy.ts'
import type { Enforcer } from './enforcer.ts'
import type { Notify } from './events.ts'
import type { SessionEnds } from './session-ends.ts'
import { needsStepUp, type StepUpDoor } from './step-up.ts'

/** Where a session's bytes go: enough for a tunnel to dial it. */
export interface DialRequest {
  /** The pool of agents that can reach the target. */
  readonly pool: string
  readonly resource: string
  readonly session: SessionId
  readonly host: string
  readonly port: number
}

/** @throws Fault gateway/no-agent, gateway/agent-refused, target/unreachable, target/too-slow */
export type Dial = (request: DialRequest, signal: AbortSignal) => Promise<Duplex>

/** @throws Fault gateway/no-credential */
export type FindCredential = (request: CredentialRequest) => Promise<FoundCredential>

export interface LiveSessionParts<Options> {
  readonly id: SessionId
  readonly subject: Subject
  readonly resource: Resource<Options>
  readonly account: Account
  readonly clientAddress: string
  /** The token by which it was opened: the session ends with it. */
  readonly token: Authenticated['token']
  /** What it was let in by, where policy asks for a grant: it ends with it, unless policy has come to ask for none. */
  readonly grant: Grant | undefined
  /** Tells when what the token has proven no longer stands, or stands with other groups. */
  readonly watch: (listener: OnStanding) => Disposable
  readonly policy: CurrentPolicy
  readonly stepUp: StepUpDoor
  readonly recorder: Recorder
  readonly audience: SessionAudience
  /** Built around the session as it stands. */
  readonly enforcer: (live: { readonly subject: Subject; readonly signal: AbortSignal }) => Enforcer
  readonly ends: Pick<SessionEnds, 'note'>
  readonly dial: Dial
  readonly credential: FindCredential
  readonly clock: Clock
  readonly notify: Notify
  /** Called once, when nothing of it is left. */
  readonly onOver: (session: LiveSession) => void
}

interface Ending {
  readonly reason: string
  readonly bytesUp: number
  readonly bytesDown: number
}

/** A session's life: from the gate to its last event, whoever ends it. */
export class LiveSession<Options = unknown> implements Session<Options> {
  readonly kind = 'session'
  readonly id: SessionId
  readonly resource: Resource<Options>
  readonly clientAddress: string
  readonly tokenId: string
  readonly #parts: LiveSessionParts<Options>
  readonly #enforcer: Enforcer
  /** By the clock that nobody sets. */
  readonly #beganMs: number
  readonly #end = new AbortController()
  readonly #expiry: NodeJS.Timeout
  #grantExpiry: NodeJS.Timeout | undefined
  readonly #standing: Disposable
  #grant: Grant | undefined
  #subject: Subject
  #ending: Ending | undefined
  #disposal: Promise<void> | undefined
  #found: Promise<FoundCredential> | undefined

  constructor(parts: LiveSessionParts<Options>) {
    const { id, subject, resource, token, grant, clock } = parts
    this.id = id
    this.resource = resource
    this.clientAddress = parts.clientAddress
    this.tokenId = token.id
    this.#beganMs = clock.elapsed()
    this.#parts = parts
    this.#subject = subject
    this.#enforcer = parts.enforcer(this)
    parts.audience.of(this)
    this.#expiry = setTimeout(() => this.end(expired), token.expiresAtMs - clock.now())
    this.#grant = grant
    this.#awaitGrantEnd()
    this.#standing = parts.watch((now) => (isRefusal(now) ? this.end(now) : this.#becomes(now)))
  }

  get subject(): Subject {
    return this.#subject
  }

  get account(): string {
    return this.#parts.account.name
  }

  get audience(): SessionAudience {
    return this.#parts.audience
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  get operations(): number {
    return this.#enforcer.operations
  }

  /** Something has ended it already, or its connection is over. */
  get isEnding(): boolean {
    return this.#end.signal.aborted || this.#disposal !== undefined
  }

  /** Ends it at once; whoever relays it says why to the client. The first cause stands. */
  end(cause: Refusal | Fault): void {
    if (!this.#end.signal.aborted) this.#end.abort(cause)
  }

  /** The grant that lets it be here; undefined where it stands on none, or not any more. */
  get grantId(): string | undefined {
    return this.#grant?.id
  }

  /** What it stood on is over: it ends with `cause`, unless policy asks for no grant by now. */
  grantEnded(cause: Refusal): void {
    this.#grant = undefined
    this.rejudge(cause)
  }

  /** Looks at the clock now and then: a machine that slept, or whose time was set, gives nobody more than was granted. */
  #awaitGrantEnd(): void {
    if (this.#grant === undefined) return
    const leftMs = this.#grant.endsAt - this.#parts.clock.now()
    if (leftMs <= 0) this.grantEnded(grantOver(this.resource.name))
    else this.#grantExpiry = setTimeout(() => this.#awaitGrantEnd(), Math.min(leftMs, lookAgainMs))
  }

  /** Judges again whether it may be here: it ends where not, and where that cannot be said. Never throws: others are to be judged. */
  rejudge(cause?: Refusal): void {
    try {
      const decision = this.#parts.policy.point.connect(this.#subject, this.resource, this.account)
      const isGranted = decision.effect === 'request' && this.#holdsGrant()
      if (decision.effect !== 'allow' && !isGranted) this.end(cause ?? this.#notAnyMore(decision))
    } catch (thrown) {
      this.end(asFault(thrown))
    }
  }

  /** Whether the grant is still one that lets it in: policy may have come to ask for one of the actor's own. */
  #holdsGrant(): boolean {
    if (this.#grant === undefined) return false
    const holders = this.#parts.policy.point.holders(this.#subject, this.resource, this.account)
    return holders.includes(actorKey(this.#grant.actor))
  }

  #notAnyMore(decision: ConnectDecision): Refusal {
    if (decision.effect !== 'step-up') return notAnyMore(decision)
    const { token, stepUp: door } = this.#parts
    return needsStepUp(decision, { subject: this.#subject, token, door }, 'connect again')
  }

  /** From now on it is judged with other groups, or by another sign-in. */
  #becomes(subject: Subject): void {
    const { source } = this.#subject
    this.#subject = source === undefined ? subject : { ...subject, source }
    this.rejudge()
  }

  dial(signal = this.signal): Promise<Duplex> {
    const { host, port, agent, name } = this.resource
    return this.#parts.dial({ pool: agent, resource: name, session: this.id, host, port }, signal)
  }

  async credential(): Promise<UpstreamCredential> {
    if (this.#disposal !== undefined) throw new Fault('client/gone', 'the session is over')
    this.#found ??= this.#findCredential()
    return (await this.#found).credential
  }

  /** What was made for this session serves all its log-ins; anything else is fetched for each, and forgotten. */
  async #findCredential(): Promise<FoundCredential> {
    const { resource, id: session, subject, signal } = this
    try {
      const { account } = this.#parts
      const found = await this.#parts.credential({ resource, account, session, subject, signal })
      if (found.lease === undefined) this.#found = undefined
      else found.lease.onLost((cause) => this.end(cause))
      const { user } = found.credential
      if (found.lease !== undefined && user !== account.name && this.#disposal === undefined)
        this.#parts.recorder.append({ kind: 'target-user', user })
      return found
    } catch (thrown) {
      this.#found = undefined
      throw thrown
    }
  }

  /** Also where it comes only now: whoever asked for it may have left. */
  async #releaseCredential(): Promise<void> {
    const found = await this.#found?.catch(() => undefined)
    await found?.lease?.release()
  }

  // hot path
  authorize(
    operation: Operation,
    facts: readonly Facts[],
    tell: Tell,
    signal?: AbortSignal,
  ): Authorization | Promise<Authorization> {
    if (this.#end.signal.aborted) return this.#refuseEnded(operation)
    return this.#enforcer.authorize(operation, facts, tell, signal)
  }

  /** Between the end and the close of its connections, nothing more is permitted. */
  #refuseEnded(operation: Operation): Refusal {
    const cause: unknown = this.#end.signal.reason
    if (isRefusal(cause)) return this.#enforcer.refuse(operation, cause)
    throw cause
  }

  refuse(operation: Operation, refused: Refusal): Refusal {
    return this.#enforcer.refuse(operation, refused)
  }

  stands(permit: Permit, facts: readonly Facts[]): boolean {
    return !this.#end.signal.aborted && this.#enforcer.stands(permit, facts)
  }

  maskedTags(): ReadonlySet<string> {
    return this.#parts.policy.point.maskedTags(this.#subject, this.resource)
  }

  // hot path: one write takes what all sessions have to record
  commit(): void {
    this.#parts.recorder.commit()
  }

  // hot path
  note(passage: Passage): void {
    this.#parts.recorder.append(passage)
  }

  finish(permit: Permit, outcome: Outcome): void {
    this.#enforcer.finish(permit, outcome)
  }

  ended(reason: string, bytesUp: number, bytesDown: number): void {
    this.#ending ??= { reason, bytesUp, bytesDown }
  }

  /** Takes back what is held, closes and seals the recording. Never throws: what goes wrong is told as trouble. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose()
    return this.#disposal
  }

  async #dispose(): Promise<void> {
    const { recorder, ends, notify, clock, onOver } = this.#parts
    const endedAt = clock.now()
    clearTimeout(this.#expiry)
    clearTimeout(this.#grantExpiry)
    this.#standing[Symbol.dispose]()
    await this.#enforcer.end()
    const { reason, bytesUp, bytesDown } = this.#ending ?? this.#unsaidEnding()
    const { operations } = this
    const isSealed = await this.#try('seal the recording', async () => {
      recorder.append({ kind: 'closed', reason, operations, bytesUp, bytesDown })
      await recorder.close()
    })
    const recording = isSealed ? 'sealed' : 'interrupted'
    this.audience.over()
    await this.#try('release the credential', () => this.#releaseCredential())
    await this.#try('note the end of the session', () =>
      ends.note(this.id, { endedAt, reason, operations, bytesUp, bytesDown, recording }),
    )
    onOver(this)
    const durationMs = Math.round(clock.elapsed() - this.#beganMs)
    const { name } = this.resource
    notify({
      kind: 'session-ended',
      session: this.id,
      resource: name,
      reason,
      operations,
      durationMs,
      bytesUp,
      bytesDown,
    })
  }

  /** Nobody said how it ended: it was ended from here, or its connection never came to be. */
  #unsaidEnding(): Ending {
    const cause: unknown = this.#end.signal.reason
    const reason = isRefusal(cause) || cause instanceof Fault ? cause.code : 'gateway/internal'
    return { reason, bytesUp: 0, bytesDown: 0 }
  }

  async #try(doing: string, step: () => Promise<unknown>): Promise<boolean> {
    try {
      await step()
      return true
    } catch (cause) {
      const code = cause instanceof Fault ? cause.code : 'gateway/internal'
      this.#parts.notify({ kind: 'trouble', session: this.id, doing, code, cause })
      return false
    }
  }
}

const expired = refusal('access-expired', 'the access token has expired', 'sign in again: sallyport login')

const lookAgainMs = 60_000

function grantOver(resource: string): Refusal {
  return refusal(
    'access-expired',
    'the grant has ended',
    `ask again where you need it longer: sallyport request ${resource}`,
  )
}

/** Where a policy decided it, in its words. */
function notAnyMore({ policies, reason }: ConnectDecision): Refusal {
  const why = policies.length === 0 || reason === undefined ? '' : `: ${reason}`
  return revoked(`you may not reach this resource any more${why}`)
}

export function revoked(why: string): Refusal {
  return refusal('access-revoked', why)
}
