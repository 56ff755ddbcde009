import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { mustRun } from '../world/process.ts'
import { CpuWatch, type CpuCost } from './cpu.ts'
import type { Ground, Route } from './measurement.ts'
import { quantile } from './spread.ts'

export interface PgbenchOptions {
  readonly protocol: 'prepared' | 'extended' | 'simple'
  readonly clients: number
}

export interface PgbenchResult {
  /** Transactions, without the time to connect. */
  readonly perSecond: number
  /** Of one transaction, as the client saw it. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of one transaction, log-ins apart. */
  readonly cpu: CpuCost | undefined
}

/**
 * pgbench's own SELECT of one row by its key. The latency of every transaction is read from its log.
 * @throws Error where a transaction failed.
 */
export async function pgbench(
  route: Route,
  { bed, seconds }: Ground,
  { protocol, clients }: PgbenchOptions,
): Promise<PgbenchResult> {
  const logs = await mkdtemp(join(bed.directory, 'pgbench-'))
  try {
    const threads = Math.min(2, clients)
    const duration = seconds + Math.ceil(clients / logInsPerSecond) // pgbench counts them in, though not in its result
    const flags = `-n -S -M ${protocol} -c ${clients} -j ${threads} -T ${duration} -l`.split(' ')
    using watch = new CpuWatch(route.processes)
    const output = await mustRun(clientPath('pgbench'), [...flags, `--log-prefix=${join(logs, 'log')}`], {
      environment: environmentOf(route.endpoint),
    })
    const perSecond = Number(/^tps = ([\d.]+)/m.exec(output)?.[1])
    if (!(perSecond > 0) || /failed transactions: [^0]/.test(output))
      throw new Error(`pgbench, ${route.name}: ${output}`)
    const transactions = await transactionsIn(logs)
    const latencies = transactions.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b)
    return {
      perSecond,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      cpu: watch.costOf(transactions.map(({ doneAtMs }) => doneAtMs)),
    }
  } finally {
    await rm(logs, { recursive: true })
  }
}

/** What every route manages even on a busy machine: a wrong guess makes a run shorter, not its figures wrong. */
const logInsPerSecond = 20

interface Transaction {
  readonly latencyMs: number
  /** Since the epoch. */
  readonly doneAtMs: number
}

/**
 * The third field of each line is the latency in µs, the fifth and sixth are the seconds and µs since the epoch at its end.
 * @see https://www.postgresql.org/docs/current/pgbench.html, Per-Transaction Logging
 */
async function transactionsIn(directory: string): Promise<Transaction[]> {
  const all: Transaction[] = []
  for (const name of await readdir(directory)) {
    for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      if (line === '') continue
      const [, , latencyUs, , seconds, us] = line.split(' ').map(Number)
      all.push({ latencyMs: latencyUs! / 1000, doneAtMs: seconds! * 1000 + us! / 1000 })
    }
  }
  return all
}
