/** `npm run bench`: what Sallyport costs beside a direct connection and beside a relay that does nothing. */
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { findClient, howToGetClients } from '../world/postgres-binaries.ts'
import { measurements } from './measurements.ts'
import { helpText, readOptions, type BenchOptions } from './options.ts'
import { openRoutes, type Routes } from './routes.ts'
import { resultRows, type ResultRow } from './rows.ts'
import { Samples } from './samples.ts'
import { tableOf } from './table.ts'

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(helpText)
else if (!findClient('pgbench') || !findClient('psql'))
  fail(`The bench needs pgbench and psql. ${howToGetClients}`)
else await bench(options)

async function bench(chosen: BenchOptions): Promise<void> {
  await using routes = await openRoutes(chosen)
  const samples = await measure(routes, chosen)
  const rows = resultRows(samples)
  process.stdout.write(`\n${tableOf(rows)}\n`)
  if (chosen.json !== undefined) await writeFile(chosen.json, report(routes, chosen, samples, rows))
}

/** Rounds are interleaved, and the first route of one is the last of the next: drift of the machine hits all alike. */
async function measure(routes: Routes, chosen: BenchOptions): Promise<Samples> {
  const wanted = measurements.filter(({ name }) => chosen.only.test(name))
  const samples = new Samples()
  for (const measurement of wanted) {
    for (const route of routes.of(measurement.needs)) {
      await measurement.run(route.endpoint, routes.bed, { ...chosen, seconds: 1 }) // warms caches and compilers
    }
  }
  for (let round = 0; round < chosen.rounds; round++) {
    for (const measurement of wanted) {
      const all = routes.of(measurement.needs)
      const from = round % Math.max(1, all.length)
      for (const route of [...all.slice(from), ...all.slice(0, from)]) {
        const value = await measurement.run(route.endpoint, routes.bed, chosen)
        samples.add(measurement.name, route.name, value)
        progress(
          `round ${round + 1}/${chosen.rounds}  ${measurement.name}  ${route.name}  ${value.toFixed(3)}`,
        )
      }
    }
  }
  return samples
}

function report(routes: Routes, chosen: BenchOptions, samples: Samples, rows: readonly ResultRow[]): string {
  const machine = {
    processors: cpus().length,
    model: cpus()[0]?.model,
    node: process.version,
    postgres: routes.bed.server.version,
  }
  const { rounds, seconds, megabytes } = chosen
  const made = { machine, options: { rounds, seconds, megabytes }, rows, samples: samples.all() }
  return `${JSON.stringify(made, undefined, 2)}\n`
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}

function fail(words: string): void {
  process.stderr.write(`${words}\n`)
  process.exitCode = 1
}
