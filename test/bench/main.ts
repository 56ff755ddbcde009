/** `npm run bench`: what Sallyport costs beside a direct connection and beside relays that do nothing. */
import { writeFile } from 'node:fs/promises'
import { findClient, howToGetClients } from '../world/postgres-binaries.ts'
import type { Measurement } from './measurement.ts'
import { measurements } from './measurements/index.ts'
import { helpText, readOptions, type BenchOptions } from './options.ts'
import { reportOf } from './report.ts'
import { resultsOf } from './results.ts'
import { openRoutes, type Routes } from './routes.ts'
import { Samples } from './samples.ts'
import { tablesOf } from './table.ts'

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(helpText)
else if (!findClient('pgbench') || !findClient('psql'))
  fail(`The bench needs pgbench and psql. ${howToGetClients}`)
else await bench(options)

async function bench(chosen: BenchOptions): Promise<void> {
  await using routes = await openRoutes(chosen)
  const wanted = measurements.filter(({ rows }) => rows.some(({ name }) => chosen.only.test(name)))
  const samples = await measure(routes, wanted, chosen)
  const rows = wanted.flatMap((measurement) => measurement.rows)
  const results = resultsOf(rows, samples)
  process.stdout.write(`\n${tablesOf(results)}\n`)
  if (chosen.json !== undefined)
    await writeFile(
      chosen.json,
      `${JSON.stringify(reportOf(routes.bed.server, chosen, results), undefined, 2)}\n`,
    )
}

/** Rounds are interleaved, and the first route of one is the last of the next: drift of the machine hits all alike. */
async function measure(
  routes: Routes,
  wanted: readonly Measurement[],
  chosen: BenchOptions,
): Promise<Samples> {
  const samples = new Samples()
  const { bed } = routes
  for (const { rows, routes: names, measure: run } of wanted) {
    for (const route of routes.of(names)) {
      progress(`warming up  ${rows[0]!.name}  ${route.name}`)
      await run(route, { bed, seconds: 1 }) // fills caches, wakes compilers
    }
  }
  for (let round = 0; round < chosen.rounds; round++) {
    for (const { rows, routes: names, measure: run } of wanted) {
      const all = routes.of(names)
      const from = round % Math.max(1, all.length)
      for (const route of [...all.slice(from), ...all.slice(0, from)]) {
        const reading = await run(route, { bed, seconds: chosen.seconds })
        for (const row of rows) {
          samples.add(row, route.name, reading)
          const value = reading.figures[row.figure]!.toPrecision(4)
          progress(`round ${round + 1}/${chosen.rounds}  ${row.name}  ${route.name}  ${value} ${row.unit}`)
        }
      }
    }
  }
  return samples
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}

function fail(words: string): void {
  process.stderr.write(`${words}\n`)
  process.exitCode = 1
}
