import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** OpenSSH's own ssh-keygen, in a directory of its own. */
export class SshKeygen implements AsyncDisposable {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(): Promise<SshKeygen> {
    return new SshKeygen(await mkdtemp(join(tmpdir(), 'sally-')))
  }

  /** @param input what it reads from its standard input */
  async run(args: readonly string[], input = ''): Promise<string> {
    const running = run('ssh-keygen', args, {
      cwd: this.#directory,
      env: { PATH: process.env['PATH'], TZ: 'UTC' },
    })
    // It need not read what it does not ask for.
    running.child.stdin?.on('error', () => undefined).end(input)
    return (await running).stdout
  }

  /** A new key in `name` and `name.pub`. @param options such as `-t rsa -b 2048` */
  async key(name: string, ...options: readonly string[]): Promise<void> {
    await this.run(['-q', '-N', '', '-C', `${name} of a test`, '-f', name, ...options])
  }

  /** Certifies `name.pub`, into `name-cert.pub`. @returns the certificate */
  async certify(name: string, authority: string, ...options: readonly string[]): Promise<Buffer> {
    await this.run(['-q', '-s', authority, '-I', `id of ${name}`, ...options, `${name}.pub`])
    return this.blob(`${name}-cert`)
  }

  read(name: string): Promise<string> {
    return readFile(join(this.#directory, name), 'utf8')
  }

  write(name: string, text: string | Uint8Array): Promise<void> {
    return writeFile(join(this.#directory, name), text, { mode: 0o600 })
  }

  remove(name: string): Promise<void> {
    return rm(join(this.#directory, name))
  }

  /** What is encoded in `name.pub`. */
  async blob(name: string): Promise<Buffer> {
    return Buffer.from((await this.read(`${name}.pub`)).split(' ')[1] ?? '', 'base64')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true })
  }
}

/** Every kind of key that ssh-keygen makes without a security key. */
export const softKeys: readonly (readonly [type: string, ...options: string[]])[] = [
  ['ssh-ed25519', '-t', 'ed25519'],
  ['ecdsa-sha2-nistp256', '-t', 'ecdsa', '-b', '256'],
  ['ecdsa-sha2-nistp384', '-t', 'ecdsa', '-b', '384'],
  ['ecdsa-sha2-nistp521', '-t', 'ecdsa', '-b', '521'],
  ['ssh-rsa', '-t', 'rsa', '-b', '2048'],
]
