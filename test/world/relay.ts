import type { Endpoint } from './endpoint.ts'
import { freePort } from './ports.ts'
import { startNode, type RunningProcess } from './process.ts'

export interface TwoHops extends AsyncDisposable {
  readonly port: number
  /** The one that clients speak to first. */
  readonly hops: readonly [RunningProcess, RunningProcess]
}

/**
 * client → relay A → relay B → target, as two processes that only copy bytes: Sallyport's shape without its work.
 * @param between how A reaches B: the loopback address and B's own port unless told
 */
export async function startTwoHopRelay(
  targetPort: number,
  between: {
    /** Runs A, such as `ip netns exec NAME`. */
    readonly runner?: readonly string[]
    /** The address that B listens on. */
    readonly host?: string
    /** The port at which A finds B, given B's own. */
    readonly portFor?: (port: number) => number | Promise<number>
  } = {},
): Promise<TwoHops> {
  await using rollback = new AsyncDisposableStack()
  const { runner, host = '127.0.0.1', portFor = (port) => port } = between
  const second = await startRelay({ host: '127.0.0.1', port: targetPort }, { host })
  rollback.use(second.relay)
  const first = await startRelay({ host, port: await portFor(second.port) }, { ...(runner && { runner }) })
  rollback.use(first.relay)
  const life = rollback.move()
  return {
    port: first.port,
    hops: [first.relay, second.relay],
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
}

async function startRelay(
  target: { readonly host: string; readonly port: number },
  { host = '127.0.0.1', runner }: { readonly host?: string; readonly runner?: readonly string[] },
): Promise<{ readonly port: number; readonly relay: RunningProcess }> {
  const port = await freePort()
  const args = [host, port, target.host, target.port].map(String)
  const relay = await startNode(new URL('./relay-process.ts', import.meta.url), args, {
    ...(runner && { runner }),
  })
  await relay.line(/^listening$/)
  return { port, relay }
}

/** The same log-in by another way. The name in a certificate still fits: all of it is on the loopback address. */
export function through(port: number, endpoint: Endpoint): Endpoint {
  return { ...endpoint, port }
}
