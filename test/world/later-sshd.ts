import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Missing } from '../regression/debian-source.ts'
import { unpackLater } from './later-root.ts'
import { freePort } from './ports.ts'
import { mustRun, startProcess } from './process.ts'
import { cacheDirectory } from './user.ts'

/** OpenSSH's server of a later Debian release, in a root directory of its own. */
export interface LaterSshd {
  /** Such as `10.6`. */
  readonly version: string
  readonly root: string
}

const program = '/usr/sbin/sshd'

/** Where it was prepared; undefined where it was not. */
export function findLaterSshd(): LaterSshd | undefined {
  const root = place()
  if (process.getuid?.() !== 0 || !existsSync(join(root, program))) return undefined
  const { stderr } = spawnSync('chroot', [root, program, '-V'], { encoding: 'utf8' })
  const version = /^OpenSSH_(\d+\.\d+)/.exec(stderr ?? '')?.[1]
  return version === undefined ? undefined : { version, root }
}

/** Once. @throws Missing where it cannot be had here */
export async function prepareLaterSshd(): Promise<LaterSshd> {
  if (process.getuid?.() !== 0) throw new Missing('only root may change the root directory')
  if (!existsSync(place())) await unpackLater(place(), ['openssh-server', 'dash'])
  await furnish(place())
  const found = findLaterSshd()
  if (found === undefined) throw new Missing('it was unpacked, and does not run')
  return found
}

/** What sshd and a shell want to find. */
async function furnish(root: string): Promise<void> {
  const people = ['root:x:0:0:root:/tmp:/bin/sh', 'sshd:x:100:65534::/run/sshd:/bin/false']
  await writeFile(join(root, 'etc/passwd'), `${people.join('\n')}\n`)
  await mkdir(join(root, 'run/sshd'), { recursive: true })
  if (!existsSync(join(root, 'usr/bin/sh'))) await symlink('dash', join(root, 'usr/bin/sh'))
  if (!existsSync(join(root, 'dev/null')))
    await mustRun('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'])
}

/** It runs until it is disposed of; whoever runs the tests logs in by key. */
export async function startLaterSshd({ root }: LaterSshd, settings: Readonly<Record<string, string>>) {
  const directory = await mkdtemp(join(root, 'tmp/sshd-'))
  const inside = (name: string): string => join(directory.slice(root.length), name)
  for (const name of ['host_key', 'login_key'])
    await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(directory, name)])
  const port = await freePort()
  const all = {
    Port: String(port),
    ListenAddress: '127.0.0.1',
    HostKey: inside('host_key'),
    AuthorizedKeysFile: inside('login_key.pub'),
    PidFile: 'none',
    StrictModes: 'no',
    UsePAM: 'no',
    UseDNS: 'no',
    PermitRootLogin: 'yes',
    ...settings,
  }
  const lines = Object.entries(all).map(([key, value]) => `${key} ${value}\n`)
  await writeFile(join(directory, 'sshd_config'), lines.join(''))
  const running = await startProcess('chroot', [root, program, '-D', '-e', '-f', inside('sshd_config')])
  await running.line(/listening on 127/)
  return {
    port,
    user: 'root',
    hostKey: async () => (await readFile(join(directory, 'host_key.pub'), 'utf8')).trim(),
    loginKey: () => readFile(join(directory, 'login_key'), 'utf8'),
    /** What the server said. */
    get log(): string {
      return running.output
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await running.stop()
      await rm(directory, { recursive: true })
    },
  }
}

function place(): string {
  return join(cacheDirectory(undefined), 'later-sshd')
}
