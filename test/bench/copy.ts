import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { mustRun } from '../world/process.ts'
import { CpuWatch } from './cpu.ts'
import type { Ground, Reading } from './measurement.ts'
import type { Route } from './route.ts'

/**
 * Copies the rows of `bench_rows` into an empty table, with psql.
 * @throws Error where they are not all there then
 */
export async function copyIn(route: Route, { bed }: Ground): Promise<Reading> {
  const { server, database, rows } = bed
  await server.query('TRUNCATE bench_in', database)
  const megabytes = bed.rowsBytes / 1_000_000
  const command = String.raw`\copy bench_in from '${bed.rowsFile}'`
  using watch = new CpuWatch(route.processes)
  const begin = performance.now()
  await mustRun(clientPath('psql'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', command], {
    environment: environmentOf(route.endpoint),
  })
  const seconds = (performance.now() - begin) / 1000
  const cpu = watch.costOfEach(megabytes)
  const [found] = await server.query('SELECT count(*)::int AS rows, sum(id) AS ids FROM bench_in', database)
  if (found!['rows'] !== rows || Number(found!['ids']) !== (rows * (rows + 1)) / 2)
    throw new Error(`COPY in, ${route.name}: ${JSON.stringify(found)} instead of ${rows} rows`)
  return { figures: { megabytesPerSecond: megabytes / seconds }, cpu }
}
