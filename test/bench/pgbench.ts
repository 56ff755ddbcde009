import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { mustRun } from '../world/process.ts'
import { scale, type TestBed } from './bed.ts'
import { CpuWatch, type CpuCost } from './cpu.ts'
import type { Ground } from './measurement.ts'
import type { Route } from './route.ts'
import { quantile } from './spread.ts'

export interface PgbenchOptions {
  readonly load: Load
  readonly clients: number
  /** Each transaction on a connection of its own. */
  readonly reconnects?: boolean
}

/**
 * `prepared`: one statement, prepared once. `extended`: parsed anew each time, the same text. `new literals`: the simple protocol,
 * with numbers in the text that were never sent before. `new texts`: with a name as well that was never sent before, so that the
 * statement is a new one even to who looks away from its literals: nothing that was remembered is of use.
 */
export type Load = 'prepared' | 'extended' | 'new literals' | 'new texts'

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
 * SELECT of one row by its key, as pgbench's own, with the answer checked. The latency of every transaction is read from its log.
 * @throws Error where a transaction failed, or an answer was not the row that was asked for
 */
export async function pgbench(
  route: Route,
  { bed, seconds }: Ground,
  options: PgbenchOptions,
): Promise<PgbenchResult> {
  // pgbench counts the log-ins in, though not in its result. Where they took all of the time, the figures are none: once more, longer.
  for (let logInSeconds = Math.ceil(options.clients / logInsPerSecond); ; logInSeconds *= 4) {
    const result = await runFor(seconds + logInSeconds, route, bed, options)
    if (result) return result
    if (logInSeconds > 60) throw new Error(`pgbench, ${route.name}: no transaction after ${logInSeconds} s`)
  }
}

/** @returns undefined where not all had logged in before the time was up */
async function runFor(
  duration: number,
  route: Route,
  bed: TestBed,
  { load, clients, reconnects = false }: PgbenchOptions,
): Promise<PgbenchResult | undefined> {
  const logs = await mkdtemp(join(bed.directory, 'pgbench-'))
  try {
    const threads = Math.min(2, clients)
    const script = join(logs, 'script.sql')
    await writeFile(script, scriptOf(load))
    const protocol = load === 'new literals' || load === 'new texts' ? 'simple' : load
    const flags = `-n -M ${protocol} -c ${clients} -j ${threads} -T ${duration} -l`.split(' ')
    if (reconnects) flags.push('-C')
    using watch = new CpuWatch(route.processes)
    const files = ['-f', script, `--log-prefix=${join(logs, 'log')}`]
    // pgbench goes on without a client whose script failed, and then says so by its exit code.
    const output = await mustRun(clientPath('pgbench'), [...flags, ...files], {
      environment: environmentOf(route.endpoint),
    })
    if (/actually processed: 0\n.*failed transactions: 0 /.test(output)) return undefined
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

/** Every answer must be the row that was asked for: pgbench's `\gset` wants one row, and the last line fails where it is another. */
function scriptOf(load: Load): string {
  const condition = load === 'new literals' || load === 'new texts' ? ' AND :never > 0' : ''
  const name = load === 'new texts' ? 'balance_:never' : 'abalance'
  return String.raw`\set aid random(1, ${scale * 100_000})
\set never random(1, 2000000000000)
SELECT abalance AS ${name}, aid AS found FROM pgbench_accounts WHERE aid = :aid${condition} \gset
\set proof 1 / (CASE WHEN :found = :aid THEN 1 ELSE 0 END)
`
}

/** What every route manages unless the machine is very busy. */
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
    if (!name.startsWith('log')) continue
    for (const line of (await readFile(join(directory, name), 'utf8')).split('\n')) {
      if (line === '') continue
      const [, , latencyUs, , seconds, us] = line.split(' ').map(Number)
      all.push({ latencyMs: latencyUs! / 1000, doneAtMs: seconds! * 1000 + us! / 1000 })
    }
  }
  return all
}
