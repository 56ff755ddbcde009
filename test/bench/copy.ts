import { environmentOf, type Endpoint } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { mustRun } from '../world/process.ts'
import type { TestBed } from './bed.ts'

/** Megabytes a second of `bench_rows` to nowhere. */
export function copyOut(endpoint: Endpoint, bed: TestBed): Promise<number> {
  return megabytesPerSecond(endpoint, bed, String.raw`\copy bench_rows to '/dev/null'`)
}

/** Megabytes a second of the same rows into an empty table. */
export async function copyIn(endpoint: Endpoint, bed: TestBed): Promise<number> {
  await bed.server.query('TRUNCATE bench_in', bed.database)
  return megabytesPerSecond(endpoint, bed, String.raw`\copy bench_in from '${bed.rowsFile}'`)
}

async function megabytesPerSecond(endpoint: Endpoint, bed: TestBed, command: string): Promise<number> {
  const begin = performance.now()
  await mustRun(clientPath('psql'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', command], {
    environment: environmentOf(endpoint),
  })
  return bed.rowsBytes / 1_000_000 / ((performance.now() - begin) / 1000)
}
