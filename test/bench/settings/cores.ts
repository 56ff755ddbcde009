import { join } from 'node:path'
import type { TestBed } from '../bed.ts'
import type { OpenRoutes } from '../route.ts'
import { deploy, routeFor } from '../routes/sallyport.ts'

/** The product with its traffic in the gateway's own process, and in two beside it. */
export async function openCores(bed: TestBed, profileDirectory: string | undefined): Promise<OpenRoutes> {
  await using rollback = new AsyncDisposableStack()
  const { server, database } = bed
  const below = profileDirectory === undefined ? undefined : join(profileDirectory, 'cores')
  const deployment = { server, database, profileDirectory: below }
  const one = await deploy(rollback, 'sallyport', deployment)
  const two = await deploy(rollback, 'two', { ...deployment, processes: 2 })
  const routes = [
    await routeFor(one, 'sallyport', 'unrestricted', database),
    await routeFor(two, 'two', 'unrestricted', database),
  ]
  const life = rollback.move()
  return { routes, missing: {}, [Symbol.asyncDispose]: () => life.disposeAsync() }
}
