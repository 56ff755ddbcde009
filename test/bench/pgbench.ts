import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf, type Endpoint } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { mustRun } from '../world/process.ts'
import type { TestBed } from './bed.ts'
import { median } from './spread.ts'

export interface PgbenchResult {
  /** Transactions, without the time to connect. */
  readonly perSecond: number
  /** Of one transaction, as the client saw it. */
  readonly medianMs: number
}

/**
 * pgbench's own SELECT of one row by its key. The latency of every transaction is read from its log.
 * @throws Error where a transaction failed.
 */
export async function pgbench(
  endpoint: Endpoint,
  bed: TestBed,
  options: {
    readonly protocol: 'prepared' | 'extended' | 'simple'
    readonly clients: number
    readonly seconds: number
  },
): Promise<PgbenchResult> {
  const logs = await mkdtemp(join(bed.directory, 'pgbench-'))
  try {
    const { protocol, clients, seconds } = options
    const threads = Math.min(2, clients)
    const flags = `-n -S -M ${protocol} -c ${clients} -j ${threads} -T ${seconds} -l`.split(' ')
    const output = await mustRun(clientPath('pgbench'), [...flags, `--log-prefix=${join(logs, 'log')}`], {
      environment: environmentOf(endpoint),
    })
    const perSecond = Number(/^tps = ([\d.]+)/m.exec(output)?.[1])
    if (!(perSecond > 0) || /failed transactions: [^0]/.test(output)) throw new Error(`pgbench: ${output}`)
    return { perSecond, medianMs: median(await latencies(logs)) / 1000 }
  } finally {
    await rm(logs, { recursive: true })
  }
}

/** Microseconds: the third field of each line. @see https://www.postgresql.org/docs/current/pgbench.html, Per-Transaction Logging */
async function latencies(directory: string): Promise<number[]> {
  const all: number[] = []
  for (const name of await readdir(directory)) {
    for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      if (line !== '') all.push(Number(line.split(' ')[2]))
    }
  }
  return all
}
