import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

/** Is OpenSSH's client on this machine? */
export const hasSsh = spawnSync('ssh', ['-V']).status === 0

export interface SshRun {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface SshOptions {
  /** OpenSSH's own, such as `RekeyLimit=1M`. */
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
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-ssh-'))
  try {
    const key = join(directory, 'id')
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    writeFileSync(join(directory, 'config'), '')
    const options = [
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${join(directory, 'known_hosts')}`,
      'IdentitiesOnly=yes',
      'PreferredAuthentications=publickey',
      'LogLevel=ERROR',
      ...(run.options ?? []),
    ]
    const child = spawn(
      'ssh',
      [
        '-F',
        join(directory, 'config'),
        '-i',
        key,
        '-p',
        String(port),
        ...options.flatMap((option) => ['-o', option]),
        ...(run.arguments ?? []),
        'alice@127.0.0.1',
        ...command,
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    )
    child.stdin.on('error', () => {})
    child.stdin.end(run.stdin)
    const [stdout, stderr, status] = await Promise.all([
      buffer(child.stdout),
      buffer(child.stderr),
      new Promise<number | null>((resolve) => child.once('close', resolve)),
    ])
    return { status, stdout, stderr: stderr.toString() }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
