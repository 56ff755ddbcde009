/** `npm run bench`: what Sallyport costs beside a direct connection and beside relays that do nothing. */
import { findClient, howToGetClients } from '../world/postgres-binaries.ts'
import { startPostgres } from '../world/postgres.ts'
import { makeTestBed } from './bed.ts'
import { compare } from './compare.ts'
import { markdownGrid, textGrid } from './grid.ts'
import { listOf } from './list.ts'
import { measurements } from './measurements/index.ts'
import { helpText, readOptions, type BenchOptions } from './options.ts'
import { readReport, reportOf, writeReport } from './report.ts'
import { resultsOf } from './results.ts'
import { runRounds } from './rounds.ts'
import { openSettings } from './settings/index.ts'
import { comparisonOf, tablesOf } from './table.ts'

const database = 'bench'

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(helpText)
else if (options === 'list') process.stdout.write(`${listOf(measurements)}\n`)
else if (!findClient('pgbench') || !findClient('psql'))
  fail(`The bench needs pgbench and psql. ${howToGetClients}`)
else await bench(options)

async function bench(chosen: BenchOptions): Promise<void> {
  const wanted = measurements.filter(({ rows }) => rows.some(({ name }) => chosen.only.test(name)))
  if (wanted.length === 0) return fail(`no row is called like ${chosen.only}: --list shows their names`)
  const before = chosen.compare === undefined ? undefined : await readReport(chosen.compare)
  await using life = new AsyncDisposableStack()
  const server = life.use(
    await startPostgres({
      databases: [database],
      settings: { shared_buffers: '512MB', max_wal_size: '8GB', checkpoint_timeout: '1h' },
    }),
  )
  progress('filling the tables, opening the routes')
  const bed = life.use(await makeTestBed(server, database, chosen.megabytes))
  const settings = life.use(await openSettings(bed, wanted, chosen.profile))
  for (const note of settings.notes) progress(note)
  const rounds = await runRounds(wanted, settings, { ...chosen, bed }, progress)

  const report = reportOf(server, chosen, resultsOf(wanted, rounds))
  if (chosen.json !== undefined) await writeReport(chosen.json, report)
  const grid = chosen.markdown ? markdownGrid : textGrid
  process.stdout.write(`\n${tablesOf(report, grid)}\n`)
  if (before) process.stdout.write(`\n${comparisonOf(compare(before.results, report.results), grid)}\n`)
}

function progress(line: string): void {
  const seconds = Math.round(performance.now() / 1000)
  process.stderr.write(`${String(seconds).padStart(5)} s  ${line}\n`)
}

function fail(words: string): void {
  process.stderr.write(`${words}\n`)
  process.exitCode = 1
}
