import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { laterLine, Missing } from '../regression/debian-source.ts'
import { aptApart } from './apt.ts'
import { run } from './process.ts'
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
  if (!existsSync('/usr/bin/apt-get')) throw new Missing('there is no apt-get')
  if (!existsSync(place())) await unpackInto(place())
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

async function unpackInto(root: string): Promise<void> {
  const workplace = await mkdtemp(`${root}-new-`)
  try {
    const apart = await aptApart(workplace, [laterLine('deb')])
    apart(['update'])
    const packages = join(workplace, 'cache/archives')
    // psql's own dependencies are here, but for Perl, which it does without.
    const needed = ['libpq-oauth', 'libreadline8t64', 'liblz4-1', 'libzstd1', 'zlib1g']
    const got = apart(['install', '-y', '--download-only', '--no-install-recommends', ...needed])
    const also = got.isDone ? apart(['download', 'postgresql-client-18'], packages) : got
    if (!also.isDone) throw new Missing(`apt-get has no psql 18: ${also.lastLine}`)
    const made = join(workplace, 'root')
    for (const path of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc/ssl/certs', 'dev', 'tmp'])
      await mkdir(join(made, path), { recursive: true })
    for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(made, name))
    await writeFile(join(made, 'etc/passwd'), 'root:x:0:0:root:/tmp:/bin/false\n')
    await writeFile(join(made, 'etc/hosts'), '127.0.0.1 localhost\n')
    for (const name of await readdir(packages)) {
      if (!name.endsWith('.deb')) continue
      const { code, stderr } = await run('dpkg', ['-x', join(packages, name), made])
      if (code !== 0) throw new Missing(`${name} cannot be unpacked: ${stderr.trim()}`)
    }
    await rm(join(made, 'usr/share'), { recursive: true, force: true })
    await rename(made, root).catch((error: unknown) => {
      if (!existsSync(root)) throw error // another test process was first
    })
  } finally {
    await rm(workplace, { recursive: true, force: true })
  }
}
