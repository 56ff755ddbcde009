import type { Endpoint } from '../world/endpoint.ts'
import type { Watched } from './cpu.ts'

/** In the order in which tables show them. */
export const routeNames = [
  'direct',
  'relay',
  'haproxy',
  'tunnel',
  'policy',
  'sallyport',
  'masked',
  'two',
] as const
export type RouteName = (typeof routeNames)[number]

/** What each is, for people. */
export const routeMeanings: Readonly<Record<RouteName, string>> = {
  direct: 'the client beside the server, nothing between them',
  relay: 'two processes of Node.js that copy bytes from socket to socket',
  haproxy: 'two processes of HAProxy in TCP mode',
  tunnel:
    'gateway and agent as a pure relay: the real tunnel and log-in, a plain pipe in place of the protocol',
  policy: 'the product with a recorder that forgets: protocol, policy and masks, nothing written',
  sallyport: 'the product: every statement decided and recorded',
  masked: 'the product, for somebody who sees one text column of five masked',
  two: 'the product with two processes that carry its traffic',
}

/** A way to the server. */
export interface Route {
  readonly name: RouteName
  readonly endpoint: Endpoint
  /** How OpenSSH's clients take it; absent where it leads to PostgreSQL. */
  readonly ssh?: SshWay
  /** What it consists of, between the client and the server. */
  readonly processes: readonly Watched[]
  /** A command that runs the client where the route begins, such as `ip netns exec NAME`; absent where that is here. */
  readonly runner?: readonly string[]
}

/** What OpenSSH's clients are given. */
export interface SshWay {
  /** Options that make `gateway` the destination. */
  readonly options: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Where the measurements' files are, on the target. */
  readonly directory: string
}

/** Ways that are open, and why others are not. */
export interface OpenRoutes extends AsyncDisposable {
  readonly routes: readonly Route[]
  readonly missing: Partial<Record<RouteName, string>>
}
