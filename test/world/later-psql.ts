import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Missing } from '../regression/debian-source.ts'
import { unpackLater } from './later-root.ts'
import { cacheDirectory } from './user.ts'

/**
 * psql of the Debian release that carries PostgreSQL 18, with its OAuth module and all that they need, in a root directory of their own:
 * their C library is newer than this machine's, and who signs for whom is told there as it is on any machine.
 */
export interface LaterPsql {
  readonly version: string
  readonly root: string
}

const program = '/usr/lib/postgresql/18/bin/psql'

/** Where it was prepared; undefined where it was not. */
export function findLaterPsql(): LaterPsql | undefined {
  const root = place()
  if (process.getuid?.() !== 0 || !existsSync(join(root, program))) return undefined
  const { status, stdout } = spawnSync('chroot', [root, program, '--version'], { encoding: 'utf8' })
  const version = /\d+\.\d+/.exec(stdout ?? '')?.[0]
  return status === 0 && version !== undefined ? { version, root } : undefined
}

/**
 * Fetches and unpacks the packages, once; apt checks what the archive has signed.
 * @throws Missing where it cannot be had here
 */
export async function prepareLaterPsql(): Promise<LaterPsql> {
  if (process.getuid?.() !== 0) throw new Missing('only root may change the root directory')
  if (!existsSync(place())) await unpackLater(place(), psqlNeeds, ['postgresql-client-18'])
  const found = findLaterPsql()
  if (found === undefined) throw new Missing('psql 18 was unpacked, and does not run')
  return found
}

/** The command that runs it, in a copy of its root that trusts this authority as a machine does. The copy is the caller's to delete. */
export async function trusting(
  { root }: LaterPsql,
  authority: string,
  directory: string,
): Promise<readonly string[]> {
  const own = join(directory, 'root')
  await cp(root, own, { recursive: true, verbatimSymlinks: true })
  await writeFile(join(own, 'etc/ssl/certs/ca-certificates.crt'), authority)
  return ['chroot', own, program]
}

function place(): string {
  return join(cacheDirectory(undefined), 'psql-18')
}

/** psql's own dependencies are here, but for Perl, which it does without. */
const psqlNeeds = ['libpq-oauth', 'libreadline8t64', 'liblz4-1', 'libzstd1', 'zlib1g']
