import { startPostgres } from '../world/postgres.ts'
import { startTwoHopRelay, through } from '../world/relay.ts'
import { makeTestBed, type TestBed } from './bed.ts'
import type { Route, RouteName } from './measurement.ts'
import type { BenchOptions } from './options.ts'
import { startSallyport, type BenchedSallyport } from './sallyport.ts'

export interface Routes extends AsyncDisposable {
  readonly bed: TestBed
  /** Those of the names that are there. */
  of(names: readonly RouteName[]): readonly Route[]
}

/** Starts the server, fills it, and opens every way to it. */
export async function openRoutes(options: BenchOptions): Promise<Routes> {
  await using rollback = new AsyncDisposableStack()
  const server = rollback.use(
    await startPostgres({
      databases: [database],
      settings: { shared_buffers: '512MB', max_wal_size: '8GB', checkpoint_timeout: '1h' },
    }),
  )
  const bed = rollback.use(await makeTestBed(server, database, options.megabytes))
  const relay = rollback.use(await startTwoHopRelay(server.port))
  const direct = server.endpoint({ database })
  const sallyport = await startSallyport(server, {
    database,
    ...(options.profile !== undefined && { profileDirectory: options.profile }),
  })
  if (sallyport) rollback.use(sallyport)
  const routes: readonly Route[] = [
    { name: 'direct', endpoint: direct, processes: [] },
    {
      name: 'relay',
      endpoint: through(relay.port, direct),
      processes: [
        { name: 'first hop', pid: relay.hops[0].pid },
        { name: 'second hop', pid: relay.hops[1].pid },
      ],
    },
    ...routesOf(sallyport),
  ]
  const life = rollback.move()
  return {
    bed,
    of: (names) => routes.filter(({ name }) => names.includes(name)),
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
}

const database = 'bench'

function routesOf(sallyport: BenchedSallyport | undefined): readonly Route[] {
  if (!sallyport) return []
  const { plain, masked, processes } = sallyport
  return [
    { name: 'sallyport', endpoint: plain, processes },
    { name: 'masked', endpoint: masked, processes },
  ]
}
