import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

const sshd = '/usr/sbin/sshd'

/** Is OpenSSH's client on this machine, and its server? */
export const hasSsh = spawnSync('ssh', ['-V']).status === 0
export const hasSshd = hasSsh && existsSync(sshd)

/** Keys and certificates that `ssh-keygen` makes, in a directory that goes with it. */
export class KeyRing implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'sallyport-ssh-'))

  /** @returns the private key's file; `.pub` is beside it */
  make(name: string, type: string): string {
    const file = join(this.directory, name)
    keygen(['-q', '-t', type, '-N', '', '-C', name, '-f', file])
    return file
  }

  /** @returns the certificate, as OpenSSH encodes it */
  certify(authority: string, key: string, identity: string, more: readonly string[]): Buffer {
    keygen(['-q', '-s', authority, '-I', identity, '-n', identity, ...more, `${key}.pub`])
    return blobOf(`${key}-cert.pub`)
  }

  write(name: string, text: string): string {
    const file = join(this.directory, name)
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true })
  }
}

/** What a public key's file says: the second word, decoded. */
export const blobOf = (file: string): Buffer =>
  Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64')

export interface SshRun {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface SshOptions {
  /** OpenSSH's own, such as `RekeyLimit=1M`; they come first, and the first one counts. */
  readonly options?: readonly string[]
  readonly arguments?: readonly string[]
  /** Nothing, and at once the end of it, where absent. */
  readonly stdin?: Uint8Array | string
}

/** OpenSSH's client with a key that it makes for this run, and no configuration but what is said here. */
export async function runSsh(
  port: number,
  command: readonly string[],
  run: SshOptions = {},
): Promise<SshRun> {
  using ring = new KeyRing()
  const options = [
    ...(run.options ?? []),
    'StrictHostKeyChecking=no',
    `UserKnownHostsFile=${join(ring.directory, 'known_hosts')}`,
    `IdentityFile=${ring.make('id', 'ed25519')}`,
    'IdentitiesOnly=yes',
    'PreferredAuthentications=publickey',
    'LogLevel=ERROR',
  ]
  const words = ['-F', ring.write('config', ''), '-p', String(port)]
  for (const option of options) words.push('-o', option)
  words.push(...(run.arguments ?? []), 'alice@127.0.0.1', ...command)
  const child = spawn('ssh', words, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {})
  child.stdin.end(run.stdin)
  const [stdout, stderr, status] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { status, stdout, stderr: stderr.toString() }
}

export interface RunningSshd extends AsyncDisposable {
  readonly port: number
  /** Who may log in: it runs as this user, and for nobody else where that is not root. */
  readonly user: string
  /** What it logged so far. */
  readonly log: () => string
}

/** OpenSSH's server on a port of its own, with `lines` of configuration. */
export async function runSshd(ring: KeyRing, lines: readonly string[]): Promise<RunningSshd> {
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true })
  const port = await freePort()
  const config = ring.write(
    'sshd_config',
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      ...lines,
      '',
    ].join('\n'),
  )
  const child = spawn(sshd, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  for (let left = 100; left > 0 && !(await answers(port)); left--) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${log}`)
    await sleep(50)
  }
  return {
    port,
    user: userInfo().username,
    log: () => log,
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null) await once(child, 'close')
    },
  }
}

function keygen(words: readonly string[]): void {
  const { status, stderr } = spawnSync('ssh-keygen', words)
  if (status !== 0) throw new Error(`ssh-keygen: ${stderr.toString()}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('data', () => socket.destroy())
  })
