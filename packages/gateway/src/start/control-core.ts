import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import {
  AccessRequests,
  LiveSessions,
  Reviews,
  type AccessEvent,
  type DeviceDoor,
  type FailureThrottle,
  type GateParts,
} from '@sallyport/access'
import type { CertificateForm, Clock, Interrupts, StreamProtocol } from '@sallyport/core'
import {
  administrators,
  Authenticators,
  credentialKinds,
  Credentials,
  Delegations,
  DeviceGrants,
  DeviceSignIns,
  Discoveries,
  Federation,
  KeyLogIns,
  KeyProofs,
  LoopbackSignIns,
  Passwords,
  RegisteredKeys,
  SetupLinks,
  SignIn,
  TargetAuthority,
  Throttle,
  TokenExchange,
  Tokens,
  UserCertificates,
  type Certifier,
  type EphemeralRoleParts,
  type LeaseProblem,
  WrittenRefusals,
} from '@sallyport/identity'
import type { Recordings } from '@sallyport/recording'
import type { Store, User } from '@sallyport/store'
import type { AgentServer } from '@sallyport/tunnel'
import type { Config } from '../config/schema.ts'
import type { Events } from '../telemetry/events.ts'
import { referencesOf } from './credential-stores.ts'
import type { Foundation } from './foundation.ts'
import { stepUpDoorOf } from './step-up-door.ts'

/** Who people are, and what they answer: what there is once, however many processes carry traffic. */
export interface People {
  readonly tokens: Tokens
  readonly delegations: Delegations
  readonly federation: Federation
  readonly registeredKeys: RegisteredKeys
  readonly keyProofs: KeyProofs
  readonly userCertificates: UserCertificates
  /** Tokens, and all else by which somebody may show who they are. */
  readonly authenticators: Authenticators
  readonly throttle: Throttle
  readonly signIn: SignIn
  readonly devices: DeviceSignIns
  readonly deviceGrants: DeviceGrants
  readonly discoveries: Discoveries
  readonly tokenExchange: TokenExchange
  readonly loopback: LoopbackSignIns
  readonly setupLinks: SetupLinks
  readonly reviews: Reviews
  readonly accessRequests: AccessRequests
}

/** @param life takes whatever has to be ended */
export function gatherPeople(
  life: AsyncDisposableStack,
  config: Pick<Config, 'oidc' | 'saml'>,
  foundation: Pick<Foundation, 'store' | 'keys' | 'policies'>,
  clock: Clock,
  events: Events,
): People {
  const { store, policies } = foundation
  const throttle = new Throttle(clock)
  const passwords = new Passwords()
  const known = knowPeople(life, config, foundation, clock, events)
  const { tokens } = known
  const devices = new DeviceSignIns(tokens, clock)
  const may = mayUsePassword(config)
  const notify = (event: AccessEvent): void => events.access(event)
  return {
    ...known,
    throttle,
    signIn: new SignIn({ store, tokens, passwords, throttle, clock, mayUsePassword: may }),
    keyProofs: new KeyProofs(clock),
    devices,
    deviceGrants: new DeviceGrants(devices, clock),
    discoveries: new Discoveries(clock),
    tokenExchange: new TokenExchange({ ...known, store, throttle, clock }),
    loopback: new LoopbackSignIns(tokens, clock),
    delegations: new Delegations({ store, tokens, clock }),
    setupLinks: new SetupLinks({ store, clock, tokens, passwords, throttle, mayUsePassword: may }),
    reviews: life.use(new Reviews({ store, policy: policies.current, clock })),
    accessRequests: new AccessRequests({ store, policy: policies.current, clock, notify }),
  }
}

/** Everybody local, while there is no provider; whom each of them lets, where there are two. */
function mayUsePassword({
  oidc,
  saml,
}: Pick<Config, 'oidc' | 'saml'>): (user: Pick<User, 'groups'>) => boolean {
  const lets = [oidc, saml].flatMap((provider) => provider?.localUsers ?? [])
  return ({ groups }) =>
    lets.every((who) => who === 'everybody' || (who === 'administrators' && groups.includes(administrators)))
}

/**
 * Who somebody is who shows something: in every process that lets anybody in.
 * @param life takes whatever has to be ended
 */
export function knowPeople(
  life: AsyncDisposableStack,
  { oidc, saml }: Pick<Config, 'oidc' | 'saml'>,
  { store, keys }: Pick<Foundation, 'store' | 'keys'>,
  clock: Clock,
  events: Pick<Events, 'auditInto' | 'tokenRefused' | 'keyRefused'>,
): Pick<People, 'tokens' | 'federation' | 'registeredKeys' | 'userCertificates' | 'authenticators'> {
  events.auditInto(new WrittenRefusals(store, clock))
  const tokens = life.use(new Tokens(store, clock))
  const federation = life.use(
    new Federation({
      store,
      tokens,
      clock,
      onRefused: (refused, from) => events.tokenRefused(refused, from),
    }),
  )
  const providers = [oidc, saml].flatMap((provider) => provider?.issuer ?? [])
  const registeredKeys = new RegisteredKeys({ store, tokens, clock, providers })
  const userCertificates = new UserCertificates({ store, tokens, clock, authority: keys.sshUsers })
  const logIns = new KeyLogIns({
    registered: registeredKeys,
    certificates: userCertificates,
    onRefused: (refused, from) => events.keyRefused(refused, from),
  })
  const authenticators = new Authenticators({ tokens, federation, keys: logIns })
  return { tokens, federation, registeredKeys, userCertificates, authenticators }
}

/** What lived when the gateway last stopped, or when the given one of its processes died, lives no more. */
export async function endLeftovers(store: Store, reviews: Reviews, process?: number): Promise<void> {
  if (process === undefined) await reviews.withdrawLeftovers()
  else {
    const its = await store.read.sessions.list({ process, live: true, limit: maxSessions })
    await reviews.withdrawLeftovers(new Set(its.map(({ id }) => id)))
  }
  await store.traffic.endInterrupted(process)
  await store.leases.endLeftovers(process)
}

export interface ControlCoreOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly tunnel: Pick<AgentServer, 'dial' | 'releaseCredential'>
  readonly recordings: Pick<Recordings, 'open'>
  readonly notify: (event: AccessEvent) => void
  readonly people: Pick<People, 'authenticators' | 'reviews'>
  readonly throttle: FailureThrottle
  readonly interrupts: Interrupts
  readonly devices: DeviceDoor
  readonly onLeaseProblem: (problem: LeaseProblem) => void
  readonly onRoleLeft: EphemeralRoleParts['onRoleLeft']
}

/** What people may do: everything between a log-in and a target, without a socket. */
export interface ControlCore {
  readonly sessions: LiveSessions
  readonly credentials: Pick<Credentials, 'settle'>
  readonly gateParts: GateParts
}

/** @param life takes whatever has to be ended */
export function buildControlCore(
  life: AsyncDisposableStack,
  { store, box, keys, policies, protocols, stores }: Foundation,
  options: ControlCoreOptions,
): ControlCore {
  const { config, environment, clock, tunnel, recordings, notify, throttle, interrupts, devices } = options
  const { authenticators, reviews } = options.people
  const policy = policies.current
  const sessions = life.use(new LiveSessions({ store, policy, maxSessions: config.limits.connections }))
  const credentials = life.use(
    new Credentials({
      ledger: store.leases,
      box,
      clock,
      onProblem: options.onLeaseProblem,
      kinds: credentialKinds({
        credentials: store.read.credentials,
        box,
        askAgent: (request, signal) => tunnel.releaseCredential(request, signal),
        certifiers: certifiersOf(protocols, {
          openssh: new TargetAuthority(keys.sshTargets, clock),
          x509: keys.clients,
        }),
        environment,
        stores,
        protocols,
        resources: store.read.resources,
        dial: ({ name: resource, agent: pool, host, port }, session, signal) =>
          tunnel.dial({ pool, resource, session, host, port }, signal),
        rolePrefix: `sp_${createHash('sha256').update(keys.signingPublicKey).digest('hex').slice(0, 8)}_`,
        onRoleLeft: options.onRoleLeft,
        ...withheld(config),
      }),
    }),
  )
  return {
    sessions,
    credentials,
    gateParts: {
      store,
      recordings,
      policy,
      reviews,
      sessions,
      interrupts,
      tokens: authenticators,
      throttle,
      devices,
      stepUp: stepUpDoorOf(config),
      dial: (request, signal) => tunnel.dial(request, signal),
      credential: (request) => credentials.find(request),
      clock,
      notify,
    },
  }
}

function certifiersOf(
  protocols: readonly StreamProtocol[],
  authorities: Readonly<Record<CertificateForm, Certifier>>,
): ReadonlyMap<string, Certifier> {
  return new Map(
    protocols.flatMap(({ name, certificates }) =>
      certificates === undefined ? [] : [[name, authorities[certificates]]],
    ),
  )
}

/** The gateway's own secrets, which nobody may name as a credential. */
export function withheld(config: Config): {
  withheldVariables: string[]
  withheldPaths: string[]
} {
  const { masterKey, previousMasterKey, dataDirectory, tls, oidc, stores } = config
  const references = [masterKey, previousMasterKey, oidc?.clientSecret, ...referencesOf(config)].filter(
    (it) => it !== undefined,
  )
  const isInAws = Object.values(stores).some(({ kind }) => kind === 'aws')
  const named = (kind: 'env:' | 'file:'): string[] =>
    references.filter((it) => it.startsWith(kind)).map((it) => it.slice(kind.length))
  return {
    withheldVariables: [...named('env:'), ...(isInAws ? awsVariables : [])],
    withheldPaths: [dataDirectory, tls.key, ...named('file:')].flatMap((path) =>
      path === undefined ? [] : resolve(path),
    ),
  }
}

const awsVariables = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN']
/** More than any process may hold. */
const maxSessions = 1_000_000
