import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf } from '../world/endpoint.ts'
import { run } from '../world/process.ts'
import { cacheDirectory, serverUser } from '../world/user.ts'
import type { Arena, Route } from './arena.ts'
import type { Outputs } from './comparison.ts'
import { Missing } from './debian-source.ts'

/** A driver whose source package carries its tests: one over libpq, and one that speaks the protocol by itself. */
export interface Driver {
  readonly name: string
  readonly version: string
  /** What is installed to be tested. */
  readonly package: string
}

export const drivers: readonly Driver[] = [
  { name: 'asyncpg', version: '0.32.0', package: 'asyncpg' },
  { name: 'psycopg2', version: '2.9.13', package: 'psycopg2-binary' },
]

/** Where the drivers' tests are, with a Python that has what they need. @throws Missing */
export async function driverTests(say: (words: string) => void): Promise<string> {
  const place = join(cacheDirectory(serverUser()), 'drivers')
  if (existsSync(place)) return place
  const workplace = await mkdtemp(`${place}-new-`)
  const must = async (file: string, ...words: readonly string[]): Promise<void> => {
    say([file, ...words].join(' '))
    const { code, stderr } = await run(file, words, { directory: workplace, timeoutMs: 600_000 })
    if (code !== 0) throw new Missing(`${file} ${words.join(' ')}: ${stderr.trim().split('\n').at(-1)}`)
  }
  try {
    // No virtual environment: it would not move.
    await must('python3', '-m', 'pip', 'install', '-q', '--target', 'packages', ...tools, ...released)
    for (const { name, version } of drivers) {
      const source = ['--no-deps', '--no-binary', name, `${name}==${version}`]
      await must('python3', '-m', 'pip', 'download', '-q', '-d', 'sources', ...source)
    }
    for (const archive of await readdir(join(workplace, 'sources'))) {
      const name = archive.split('-')[0]!
      await mkdir(join(workplace, name))
      const tests = [`${archive.replace('.tar.gz', '')}/tests`, '--strip-components=1']
      await must('tar', '-xf', join('sources', archive), '-C', name, ...tests)
    }
    await rename(workplace, place)
  } catch (thrown) {
    await rm(workplace, { recursive: true, force: true })
    throw thrown
  }
  return place
}

const tools = ['pytest==9.2.0']
const released = drivers.map((driver) => `${driver.package}==${driver.version}`)

/** @returns by file, each test with its outcome */
export async function runDriver(
  driver: Driver,
  place: string,
  arena: Arena,
  route: Route,
  progress: (words: string) => void,
): Promise<Outputs> {
  const database = `driver_${driver.name}`
  await arena.server.dropDatabase(database)
  await arena.server.createDatabase(database)
  const directory = join(place, driver.name)
  const environment = {
    ...environmentOf(arena.endpoint(route, database)),
    PSYCOPG2_TESTDB: database,
    PYTHONPATH: join(place, 'packages'),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const outputs = new Map<string, string>()
  const files = (await readdir(join(directory, 'tests'))).filter((name) => /^test_\w+\.py$/.test(name))
  for (const file of files.toSorted()) {
    const words = ['-m', 'pytest', '-v', '--tb=short', '-p', 'no:cacheprovider', `tests/${file}`]
    const { stdout } = await run('python3', words, { environment, directory, timeoutMs: 900_000 })
    const outcomes = stdout.matchAll(/^(tests\/\S+) (?:<- \S+ )?(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)/gm)
    const lines = [...outcomes].map(([, test, outcome]) => `${test} ${outcome}\n`)
    outputs.set(file, lines.toSorted().join(''))
    progress(`${route} ${driver.name} ${file}`)
  }
  return outputs
}
