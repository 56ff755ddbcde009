import type { Endpoint } from './endpoint.ts'
import { freePort } from './ports.ts'
import { startNode, type RunningProcess } from './process.ts'

export interface TwoHops extends AsyncDisposable {
  readonly port: number
  /** The one that clients speak to first. */
  readonly hops: readonly [RunningProcess, RunningProcess]
}

/** client → relay A → relay B → target, as two processes that only copy bytes: Sallyport's shape without its work. */
export async function startTwoHopRelay(targetPort: number): Promise<TwoHops> {
  await using rollback = new AsyncDisposableStack()
  const hop = async (towards: number): Promise<{ port: number; relay: RunningProcess }> => {
    const port = await freePort()
    const relay = rollback.use(
      await startNode(new URL('./relay-process.ts', import.meta.url), [String(port), String(towards)]),
    )
    await relay.line(/^listening$/)
    return { port, relay }
  }
  const second = await hop(targetPort)
  const first = await hop(second.port)
  const life = rollback.move()
  return {
    port: first.port,
    hops: [first.relay, second.relay],
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
}

/** The same log-in by another way. The name in a certificate still fits: all of it is on the loopback address. */
export function through(port: number, endpoint: Endpoint): Endpoint {
  return { ...endpoint, port }
}
