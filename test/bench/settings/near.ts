import type { TestBed } from '../bed.ts'
import type { OpenRoutes, Route, RouteName } from '../route.ts'
import { openHaproxy } from '../routes/haproxy.ts'
import { openRelay } from '../routes/relay.ts'
import { openPolicy, openSallyport, openTunnel } from '../routes/sallyport.ts'

/** Everything on this machine, side by side. Opens those of the routes that are wanted. */
export async function openNear(
  bed: TestBed,
  wanted: ReadonlySet<RouteName>,
  profileDirectory: string | undefined,
): Promise<OpenRoutes> {
  await using rollback = new AsyncDisposableStack()
  const { server, database, directory } = bed
  const direct = server.endpoint({ database })
  const deployment = { server, database, profileDirectory }
  const routes: Route[] = [{ name: 'direct', endpoint: direct, processes: [] }]
  const missing: Partial<Record<RouteName, string>> = {}
  if (wanted.has('relay')) routes.push(await openRelay(rollback, direct))
  if (wanted.has('haproxy')) {
    const opened = await openHaproxy(rollback, direct, directory)
    if (typeof opened === 'string') missing.haproxy = opened
    else routes.push(opened)
  }
  if (wanted.has('tunnel')) routes.push(await openTunnel(rollback, direct, directory, deployment))
  if (wanted.has('policy')) routes.push(await openPolicy(rollback, deployment))
  if (wanted.has('sallyport') || wanted.has('masked'))
    routes.push(...(await openSallyport(rollback, deployment)))
  const life = rollback.move()
  return { routes, missing, [Symbol.asyncDispose]: () => life.disposeAsync() }
}
