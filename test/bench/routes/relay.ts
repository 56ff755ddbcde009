import type { Endpoint } from '../../world/endpoint.ts'
import { startTwoHopRelay, through } from '../../world/relay.ts'
import type { Route } from '../route.ts'

/** Sallyport's shape without its work. @param between how the first hop reaches the second */
export async function openRelay(
  life: AsyncDisposableStack,
  direct: Endpoint,
  between: Parameters<typeof startTwoHopRelay>[1] = {},
): Promise<Route> {
  const relay = life.use(await startTwoHopRelay(direct.port, between))
  const [first, second] = relay.hops
  return {
    name: 'relay',
    endpoint: through(relay.port, direct),
    processes: [
      { name: 'first hop', pids: first.family },
      { name: 'second hop', pids: second.family },
    ],
    ...(between.runner && { runner: between.runner }),
  }
}
