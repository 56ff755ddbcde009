/** `npm run regression`: PostgreSQL's own tests, and others', directly and through Sallyport. */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { aptInstall } from '../world/apt.ts'
import type { Flavour } from '../world/postgres-binaries.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { openArena, type Arena, type Route } from './arena.ts'
import { compare, type Compared, type Outputs } from './comparison.ts'
import { Missing } from './debian-source.ts'
import { drivers, driverTests, runDriver } from './drivers.ts'
import { runDumps } from './dumps.ts'
import { explanationsFor } from './explanations.ts'
import { countExpected, regressionDatabase, runFiles } from './files.ts'
import { assembleKit, buildKit, type Kit } from './kit.ts'
import { helpText, readOptions, type RegressionOptions, type SuiteName } from './options.ts'
import { runPgbench } from './pgbench.ts'
import { runPipelines } from './pipelines.ts'
import { reportOf, type ServerReport } from './report.ts'
import { readSchedule } from './schedule.ts'

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(helpText)
else await regression(options)

async function regression(chosen: RegressionOptions): Promise<void> {
  installTools()
  const reports: ServerReport[] = []
  for (const flavour of chosen.servers) reports.push(await testServer(flavour, chosen))
  process.stdout.write(reportOf(reports, chosen.isVerbose))
  if (chosen.json !== undefined) await writeFile(chosen.json, `${JSON.stringify(reports, undefined, 2)}\n`)
  const compared = reports.flatMap((report) => report.compared)
  const isGood = compared.every(({ verdict }) => verdict === 'equal' || verdict === 'explained')
  if (!isGood || compared.length === 0) process.exitCode = 1
}

/** For what is built. */
function installTools(): void {
  if (['cc', 'make', 'bison', 'flex'].every((name) => existsSync(`/usr/bin/${name}`))) return
  const why = aptInstall('a compiler', ['gcc', 'libc6-dev', 'make', 'bison', 'flex'])
  if (why !== undefined) say(`going on without: ${why}`)
}

async function testServer(flavour: Flavour, chosen: RegressionOptions): Promise<ServerReport> {
  const skipped: string[] = []
  const compared: Compared[] = []
  let kit: Kit
  try {
    await buildKit(flavour, say).catch((thrown: unknown) => skipped.push(wordsOf(thrown)))
    kit = await assembleKit(flavour)
  } catch (thrown) {
    return { server: flavour, compared, skipped: [...skipped, wordsOf(thrown)], expected: undefined }
  }
  const explanations = explanationsFor(kit.version)
  const has = (suite: SuiteName) => chosen.suites.includes(suite)
  const both = async (name: string, run: (route: Route) => Promise<Outputs>): Promise<void> => {
    const direct = await run('direct')
    compared.push(...(await compare(name, direct, await run('through'), explanations)))
  }

  let expected: ServerReport['expected']
  if (has('files')) {
    // A server each: what runs first must not be seen by what runs next.
    await using workplace = await temporaryDirectory()
    const names = await chosenFiles(kit, chosen.only)
    const files = (arena: Arena, route: Route) => runFiles(kit, arena, route, names, workplace.path, say)
    const direct = await (async () => {
      await using arena = await openArena(flavour, ['direct'])
      return await files(arena, 'direct')
    })()
    await using arena = await openArena(flavour)
    const through = await files(arena, 'through')
    compared.push(...(await compare('files', direct, through, explanations)))
    expected = {
      direct: await countExpected(kit, direct),
      through: await countExpected(kit, through),
      of: names.length,
    }
    if (has('dumps')) await both('dumps', (route) => runDumps(kit, arena, route, regressionDatabase, say))
  }

  if (!has('pgbench') && !has('pipelines') && !has('drivers'))
    return { server: `PostgreSQL ${kit.version}`, compared, skipped, expected }
  await using arena = await openArena(flavour)
  if (has('pgbench')) await both('pgbench', (route) => runPgbench(kit, arena, route, say))
  if (has('pipelines')) {
    const program = kit.libpqPipeline
    if (program === undefined) skipped.push('pipelines: libpq_pipeline is not built for this server')
    else await both('pipelines', (route) => runPipelines(program, kit, arena, route, say))
  }
  if (has('drivers')) {
    const place = await driverTests(say).catch((thrown: unknown) => void skipped.push(wordsOf(thrown)))
    for (const driver of place === undefined ? [] : drivers)
      await both(driver.name, (route) => runDriver(driver, place!, arena, route, say))
  }
  return { server: `PostgreSQL ${kit.version}`, compared, skipped, expected }
}

async function chosenFiles(kit: Kit, only: RegExp): Promise<readonly string[]> {
  const all = readSchedule(await readFile(join(kit.regress, 'parallel_schedule'), 'utf8'))
  return all.filter((name) => name === 'test_setup' || only.test(name))
}

/** @throws what is not about something missing */
function wordsOf(thrown: unknown): string {
  if (thrown instanceof Missing) return thrown.message
  throw thrown
}

function say(words: string): void {
  process.stderr.write(`${words}\n`)
}
