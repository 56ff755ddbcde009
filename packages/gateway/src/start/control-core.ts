import { resolve } from 'node:path'
import { KeyedInterrupts, LiveSessions, Reviews, type AccessEvent, type GateParts } from '@sallyport/access'
import type { Clock } from '@sallyport/core'
import { Credentials, Passwords, SetupLinks, SignIn, Throttle, Tokens } from '@sallyport/identity'
import type { Recordings } from '@sallyport/recording'
import type { AgentServer } from '@sallyport/tunnel'
import type { Config } from '../config/schema.ts'
import type { Foundation } from './foundation.ts'

/** Who people are and what they may do: everything between a log-in and a target, without a socket. */
export interface ControlCore {
  readonly tokens: Tokens
  readonly signIn: SignIn
  readonly setupLinks: SetupLinks
  readonly sessions: LiveSessions
  readonly reviews: Reviews
  readonly gateParts: GateParts
}

export interface ControlCoreOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly tunnel: Pick<AgentServer, 'dial' | 'releaseCredential'>
  readonly recordings: Pick<Recordings, 'open'>
  readonly notify: (event: AccessEvent) => void
}

/** @param life takes whatever has to be ended */
export async function buildControlCore(
  life: AsyncDisposableStack,
  { store, box, policies }: Foundation,
  { config, environment, clock, tunnel, recordings, notify }: ControlCoreOptions,
): Promise<ControlCore> {
  const policy = policies.current
  const throttle = new Throttle(clock)
  const passwords = new Passwords()
  const tokens = life.use(new Tokens(store, clock))
  const sessions = life.use(new LiveSessions({ store, policy, maxSessions: config.limits.connections }))
  const reviews = life.use(new Reviews({ store, policy, clock }))
  // What lived when the gateway last stopped lives no more.
  await reviews.withdrawLeftovers()
  await store.traffic.endInterrupted()

  const credentials = new Credentials({
    credentials: store.read.credentials,
    box,
    askAgent: (request, signal) => tunnel.releaseCredential(request, signal),
    environment,
    ...withheld(config),
  })
  return {
    tokens,
    signIn: new SignIn({ store, tokens, passwords, throttle }),
    setupLinks: new SetupLinks({ store, clock, tokens, passwords, throttle }),
    sessions,
    reviews,
    gateParts: {
      store,
      recordings,
      policy,
      reviews,
      sessions,
      interrupts: new KeyedInterrupts(),
      tokens,
      throttle,
      dial: (request, signal) => tunnel.dial(request, signal),
      credential: (...asked) => credentials.forAccount(...asked),
      clock,
      notify,
    },
  }
}

/** The gateway's own secrets, which no resource may name as a credential. */
function withheld({ masterKey, dataDirectory, tls }: Config): {
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
