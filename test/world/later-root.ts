import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { laterLine, Missing } from '../regression/debian-source.ts'
import { aptApart } from './apt.ts'
import { run } from './process.ts'

/**
 * Fetches packages of a later Debian release, and unpacks them into a root directory of their own: their C library is newer than this
 * machine's. apt checks what the archive has signed.
 * @param alone packages whose own dependencies are among the others, or not needed
 * @throws Missing where they cannot be had here
 */
export async function unpackLater(
  root: string,
  needed: readonly string[],
  alone: readonly string[] = [],
): Promise<void> {
  if (!existsSync('/usr/bin/apt-get')) throw new Missing('there is no apt-get')
  const workplace = await mkdtemp(`${root}-new-`)
  try {
    const apart = await aptApart(workplace, [laterLine('deb')])
    apart(['update'])
    const packages = join(workplace, 'cache/archives')
    const got = apart(['install', '-y', '--download-only', '--no-install-recommends', ...needed])
    const also = got.isDone && alone.length > 0 ? apart(['download', ...alone], packages) : got
    if (!also.isDone) throw new Missing(`apt-get has no ${[...needed, ...alone].join(' ')}: ${also.lastLine}`)
    const made = join(workplace, 'root')
    for (const path of ['usr/bin', 'usr/lib', 'usr/lib64', 'usr/sbin', 'etc/ssl/certs', 'dev', 'tmp'])
      await mkdir(join(made, path), { recursive: true })
    for (const name of ['bin', 'lib', 'lib64', 'sbin']) await symlink(`usr/${name}`, join(made, name))
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
