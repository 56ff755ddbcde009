import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findClient, findPostgres, type Flavour, type PostgresBinaries } from '../world/postgres-binaries.ts'
import { run } from '../world/process.ts'
import { Missing, postgresSource } from './debian-source.ts'

/** What a server of one flavour is tested with. */
export interface Kit {
  readonly flavour: Flavour
  readonly version: string
  /** `src/test/regress` of the source of that major version. */
  readonly regress: string
  /** Holds `regress.so`, `refint.so` and `autoinc.so`, where they are built: without them the functions in C are missing. */
  readonly modules: string
  /** The program's path, and what its environment needs. Of the server's own version where it could be had. */
  readonly psql: string
  readonly pgDump: string
  readonly pgRestore: string
  readonly pgbench: string
  readonly libpqPipeline: string | undefined
  readonly environment: NodeJS.ProcessEnv
}

/** @throws Missing where there is no such server, no client, or no source */
export async function assembleKit(flavour: Flavour): Promise<Kit> {
  const binaries = findPostgres(flavour)
  if (!binaries) throw new Missing(`there is no ${flavour} PostgreSQL`)
  const source = await postgresSource(binaries.major)
  const clients = clientsOf(flavour, source)
  return {
    flavour,
    version: binaries.version,
    regress: join(source, 'src/test/regress'),
    modules: join(source, 'modules'),
    ...clients,
    libpqPipeline: existing(join(source, pipelineTest)),
  }
}

/** Compiles what the packages lack: the test functions in C, and clients of the version of the npm package's server. */
export async function buildKit(flavour: Flavour, say: (words: string) => void): Promise<void> {
  const binaries = findPostgres(flavour)
  if (!binaries) throw new Missing(`there is no ${flavour} PostgreSQL`)
  const source = await postgresSource(binaries.major)
  const make = async (...words: readonly string[]): Promise<void> => {
    say(words.join(' '))
    const [file = '', ...rest] = words
    const { code, stderr } = await run(file, rest, { directory: source, timeoutMs: 1_800_000 })
    if (code !== 0) throw new Missing(`${words.join(' ')}: ${stderr.trim().split('\n').at(-1)}`)
  }
  if (!existsSync(join(source, 'src/Makefile.global'))) {
    await make('./configure', '--without-readline', '--without-zlib', '--without-icu')
    await make('make', '-s', '-C', 'src/backend', 'generated-headers')
  }
  await buildModules(source, binaries, make)
  if (flavour === 'embedded')
    for (const directory of [...clientDirectories, dirname(pipelineTest)])
      await make('make', '-s', '-j2', '-C', directory, 'all')
}

const pipelineTest = 'src/test/modules/libpq_pipeline/libpq_pipeline'
const clientDirectories = ['src/bin/psql', 'src/bin/pg_dump', 'src/bin/pgbench']

async function buildModules(
  source: string,
  binaries: PostgresBinaries,
  make: (...words: readonly string[]) => Promise<void>,
): Promise<void> {
  const modules = join(source, 'modules')
  await mkdir(modules, { recursive: true })
  const regress = join(modules, 'regress.so')
  if (!existsSync(regress)) {
    const flags = ['-shared', '-fPIC', '-O1', '-Isrc/include']
    await make('cc', ...flags, '-o', regress, 'src/test/regress/regress.c')
  }
  const libraries = [join(binaries.directory, '../lib'), join(binaries.directory, '../lib/postgresql')]
  for (const name of ['refint.so', 'autoinc.so']) {
    const found = libraries.map((library) => join(library, name)).find((path) => existsSync(path))
    if (found !== undefined) await copyFile(found, join(modules, name))
  }
}

/** The machine's own clients for its own server; for the other one those that were built, else the machine's too. */
function clientsOf(
  flavour: Flavour,
  source: string,
): Pick<Kit, 'psql' | 'pgDump' | 'pgRestore' | 'pgbench' | 'environment'> {
  const built = (path: string) =>
    flavour === 'embedded' ? existing(join(source, 'src/bin', path)) : undefined
  const client = (name: Parameters<typeof findClient>[0], path: string): string => {
    const found = built(path) ?? findClient(name)
    if (found === undefined) throw new Missing(`there is no ${name}`)
    return found
  }
  return {
    psql: client('psql', 'psql/psql'),
    pgDump: client('pg_dump', 'pg_dump/pg_dump'),
    pgRestore: client('pg_restore', 'pg_dump/pg_restore'),
    pgbench: client('pgbench', 'pgbench/pgbench'),
    environment: flavour === 'embedded' ? { LD_LIBRARY_PATH: join(source, 'src/interfaces/libpq') } : {},
  }
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined
}

/** What pg_regress sets for psql, from its source: `PGTZ` is not the same in all versions. */
export async function regressEnvironment(kit: Kit): Promise<NodeJS.ProcessEnv> {
  const text = await readFile(join(kit.regress, 'pg_regress.c'), 'utf8')
  const found = [...text.matchAll(/setenv\("(PGTZ|PGDATESTYLE)", "([^"]+)"/g)]
  return {
    ...Object.fromEntries(found.map(([, name, value]) => [name, value])),
    PGOPTIONS: '-c intervalstyle=postgres_verbose',
  }
}
