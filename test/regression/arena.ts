import type { Endpoint } from '../world/endpoint.ts'
import type { Flavour } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { declarePostgres, startSallyport, unrestricted } from '../world/sallyport.ts'

export type Route = 'direct' | 'through'

/** A fresh server, and both ways to it as its superuser. */
export interface Arena extends AsyncDisposable {
  readonly server: Postgres
  /** Without TLS on either way: psql shows whether there is. */
  endpoint(route: Route, database: string): Endpoint
}

/** @param routes those that are needed: gateway and agent take their time to start */
export async function openArena(
  flavour: Flavour,
  routes: readonly Route[] = ['direct', 'through'],
): Promise<Arena> {
  await using rollback = new AsyncDisposableStack()
  // As pg_regress sets it for a server of its own.
  const server = rollback.use(await startPostgres({ flavour, settings: { max_prepared_transactions: 2 } }))
  const through = routes.includes('through') ? await openThrough(server, rollback) : undefined
  const life = rollback.move()
  return {
    server,
    endpoint(route, database) {
      if (route === 'direct') return server.endpoint({ database })
      if (through === undefined) throw new TypeError('this arena has no way through')
      const { trust: _, ...rest } = through(database)
      return { ...rest, host: server.host }
    },
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
}

async function openThrough(
  server: Postgres,
  life: AsyncDisposableStack,
): Promise<(database: string) => Endpoint> {
  const sallyport = life.use(await startSallyport({ allow: [`127.0.0.1:${server.port}`] }))
  // Of the account's own name, so that a client sees the same user on either way.
  await declarePostgres(sallyport, server, { name: server.user })
  await sallyport.apply(unrestricted)
  const person = await sallyport.person('alice', ['unrestricted'])
  return (database) => sallyport.endpoint(person, server.user, database)
}
