import { resolve } from 'node:path'
import {
  AccessRequests,
  LiveSessions,
  Reviews,
  type AccessEvent,
  type FailureThrottle,
  type GateParts,
} from '@sallyport/access'
import type { Clock, Interrupts } from '@sallyport/core'
import { Credentials, Passwords, SetupLinks, SignIn, Throttle, Tokens } from '@sallyport/identity'
import type { Recordings } from '@sallyport/recording'
import type { Store } from '@sallyport/store'
import type { AgentServer } from '@sallyport/tunnel'
import type { Config } from '../config/schema.ts'
import type { Foundation } from './foundation.ts'

/** Who people are, and what they answer: what there is once, however many processes carry traffic. */
export interface People {
  readonly tokens: Tokens
  readonly throttle: Throttle
  readonly signIn: SignIn
  readonly setupLinks: SetupLinks
  readonly reviews: Reviews
  readonly accessRequests: AccessRequests
}

/** @param life takes whatever has to be ended */
export function gatherPeople(
  life: AsyncDisposableStack,
  { store, policies }: Pick<Foundation, 'store' | 'policies'>,
  clock: Clock,
  notify: (event: AccessEvent) => void,
): People {
  const throttle = new Throttle(clock)
  const passwords = new Passwords()
  const tokens = life.use(new Tokens(store, clock))
  return {
    tokens,
    throttle,
    signIn: new SignIn({ store, tokens, passwords, throttle }),
    setupLinks: new SetupLinks({ store, clock, tokens, passwords, throttle }),
    reviews: life.use(new Reviews({ store, policy: policies.current, clock })),
    accessRequests: new AccessRequests({ store, policy: policies.current, clock, notify }),
  }
}

/** What lived when the gateway last stopped, or when the given one of its processes died, lives no more. */
export async function endLeftovers(store: Store, reviews: Reviews, process?: number): Promise<void> {
  if (process === undefined) await reviews.withdrawLeftovers()
  else {
    const its = await store.read.sessions.list({ process, live: true, limit: maxSessions })
    await reviews.withdrawLeftovers(new Set(its.map(({ id }) => id)))
  }
  await store.traffic.endInterrupted(process)
}

export interface ControlCoreOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly tunnel: Pick<AgentServer, 'dial' | 'releaseCredential'>
  readonly recordings: Pick<Recordings, 'open'>
  readonly notify: (event: AccessEvent) => void
  readonly people: Pick<People, 'tokens' | 'reviews'>
  readonly throttle: FailureThrottle
  readonly interrupts: Interrupts
}

/** What people may do: everything between a log-in and a target, without a socket. */
export interface ControlCore {
  readonly sessions: LiveSessions
  readonly gateParts: GateParts
}

/** @param life takes whatever has to be ended */
export function buildControlCore(
  life: AsyncDisposableStack,
  { store, box, policies }: Foundation,
  options: ControlCoreOptions,
): ControlCore {
  const { config, environment, clock, tunnel, recordings, notify, throttle, interrupts } = options
  const { tokens, reviews } = options.people
  const policy = policies.current
  const sessions = life.use(new LiveSessions({ store, policy, maxSessions: config.limits.connections }))
  const credentials = new Credentials({
    credentials: store.read.credentials,
    box,
    askAgent: (request, signal) => tunnel.releaseCredential(request, signal),
    environment,
    ...withheld(config),
  })
  return {
    sessions,
    gateParts: {
      store,
      recordings,
      policy,
      reviews,
      sessions,
      interrupts,
      tokens,
      throttle,
      dial: (request, signal) => tunnel.dial(request, signal),
      credential: (...asked) => credentials.forAccount(...asked),
      clock,
      notify,
    },
  }
}

/** The gateway's own secrets, which nobody may name as a credential. */
export function withheld({ masterKey, dataDirectory, tls }: Config): {
  withheldVariables: string[]
  withheldPaths: string[]
} {
  const isVariable = masterKey?.startsWith('env:') === true
  const keyFile = masterKey?.startsWith('file:') === true ? masterKey.slice('file:'.length) : undefined
  return {
    withheldVariables: isVariable ? [masterKey.slice('env:'.length)] : [],
    withheldPaths: [dataDirectory, keyFile, tls.key].flatMap((path) =>
      path === undefined ? [] : resolve(path),
    ),
  }
}

/** More than any process may hold. */
const maxSessions = 1_000_000
