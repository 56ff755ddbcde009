import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { mustRun } from '../world/process.ts'
import { CpuWatch } from './cpu.ts'
import type { Ground, Reading, Route } from './measurement.ts'

/** Megabytes a second of `bench_rows` to nowhere. */
export function copyOut(route: Route, ground: Ground): Promise<Reading> {
  return megabytesPerSecond(route, ground, String.raw`\copy bench_rows to '/dev/null'`)
}

/** Megabytes a second of the same rows into an empty table. */
export async function copyIn(route: Route, ground: Ground): Promise<Reading> {
  const { bed } = ground
  await bed.server.query('TRUNCATE bench_in', bed.database)
  return megabytesPerSecond(route, ground, String.raw`\copy bench_in from '${bed.rowsFile}'`)
}

async function megabytesPerSecond(route: Route, { bed }: Ground, command: string): Promise<Reading> {
  const megabytes = bed.rowsBytes / 1_000_000
  using watch = new CpuWatch(route.processes)
  const begin = performance.now()
  const said = await mustRun(clientPath('psql'), ['-X', '-v', 'ON_ERROR_STOP=1', '-c', command], {
    environment: environmentOf(route.endpoint),
  })
  const seconds = (performance.now() - begin) / 1000
  if (said !== `COPY ${bed.rows}\n`)
    throw new Error(`${command}, ${route.name}: ${bed.rows} rows, but ${said}`)
  return { figures: { megabytesPerSecond: megabytes / seconds }, cpu: watch.costOfEach(megabytes) }
}
