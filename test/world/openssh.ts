import { existsSync } from 'node:fs'
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { DocumentInput } from '@sallyport/api'
import { freePort } from './ports.ts'
import {
  mustRun,
  run,
  startProcess,
  type Finished,
  type ProcessOptions,
  type RunningProcess,
} from './process.ts'
import type { Person, Sallyport } from './sallyport.ts'
import { temporaryDirectory, type TemporaryDirectory } from './temporary.ts'

const sshd = '/usr/sbin/sshd'
const sftpServer = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server'].find(existsSync)

/** Whether there is an OpenSSH server by now. */
export function isSshdInstalled(): boolean {
  return existsSync(sshd)
}

/** Whether there is one to test with. */
export const hasSshd = isSshdInstalled()

const howToGetSshd = 'Install OpenSSH’s server and client (Debian as root: the tests do it themselves).'

/** What the tests use beside the server. */
export const sshPrograms = [
  'ssh',
  'scp',
  'sftp',
  'sshpass',
  'rsync',
  'git',
  'ssh-audit',
  'ansible-playbook',
] as const

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, program)))
}

/**
 * A real OpenSSH server of the test's own, on a free port of the loopback address, where whoever runs the tests logs in by key.
 * `await using` stops it and deletes all it had.
 */
export async function startSshd(settings: Readonly<Record<string, string>> = {}): Promise<Sshd> {
  if (!isSshdInstalled()) throw new Error(`sshd is missing. ${howToGetSshd}`)
  await using rollback = new AsyncDisposableStack()
  const directory = rollback.use(await temporaryDirectory())
  const port = await freePort()
  await makeKey(join(directory.path, 'host_key'))
  await makeKey(join(directory.path, 'login_key'))
  const server = rollback.use(new Sshd(directory, port, settings))
  await server.start()
  rollback.move()
  return server
}

export class Sshd implements AsyncDisposable {
  readonly port: number
  readonly #directory: TemporaryDirectory
  readonly #settings: Readonly<Record<string, string>>
  #process: RunningProcess | undefined

  constructor(directory: TemporaryDirectory, port: number, settings: Readonly<Record<string, string>>) {
    this.port = port
    this.#directory = directory
    this.#settings = settings
  }

  /** Who logs in. */
  get user(): string {
    return userInfo().username
  }

  /** Where tests put their files. */
  get directory(): string {
    return this.#directory.path
  }

  /** As it stands in known_hosts, without a name. */
  async hostKey(): Promise<string> {
    return (await readFile(join(this.directory, 'host_key.pub'), 'utf8')).trim()
  }

  /** What logs in, in OpenSSH's form. */
  loginKey(): Promise<string> {
    return readFile(join(this.directory, 'login_key'), 'utf8')
  }

  /** What the server said. */
  get log(): string {
    return this.#process?.output ?? ''
  }

  async start(): Promise<void> {
    const at = (name: string): string => join(this.directory, name)
    const settings = {
      Port: String(this.port),
      ListenAddress: '127.0.0.1',
      HostKey: at('host_key'),
      AuthorizedKeysFile: at('login_key.pub'),
      PidFile: 'none',
      StrictModes: 'no',
      UsePAM: 'no',
      PermitRootLogin: 'yes',
      PasswordAuthentication: 'no',
      AcceptEnv: '*',
      PrintMotd: 'no',
      PrintLastLog: 'no',
      MaxSessions: '100',
      MaxStartups: '100',
      UseDNS: 'no',
      // By which bash believes to be one of several, and leaves out what the machine's owner has it do first.
      SetEnv: 'SHLVL=5',
      ...(sftpServer !== undefined && { Subsystem: `sftp ${sftpServer}` }),
      ...this.#settings,
    }
    await writeFile(
      at('sshd_config'),
      Object.entries(settings)
        .map(([key, value]) => `${key} ${value}\n`)
        .join(''),
    )
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true })
    const started = await startProcess(sshd, ['-D', '-e', '-f', at('sshd_config')], { owns: this.directory })
    this.#process = started
    await started.line(/listening on 127/)
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
  }

  /** Another host key, from the next start on. */
  async changeHostKey(): Promise<void> {
    await mustRun('rm', [join(this.directory, 'host_key'), join(this.directory, 'host_key.pub')])
    await makeKey(join(this.directory, 'host_key'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#directory[Symbol.asyncDispose]()
  }
}

async function makeKey(path: string): Promise<void> {
  await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path])
}

/** An OpenSSH server as the resource `web`, reached through the pool `local` by its key. */
export async function declareSshd(
  sallyport: Sallyport,
  target: Pick<Sshd, 'port' | 'user' | 'hostKey' | 'loginKey'>,
  more: Partial<DocumentInput & { kind: 'Resource' }> = {},
): Promise<void> {
  await sallyport.apply(
    { kind: 'Credential', name: 'web', password: await target.loginKey() },
    {
      kind: 'Resource',
      name: 'web',
      protocol: 'ssh',
      host: '127.0.0.1',
      port: target.port,
      agent: 'local',
      accounts: [{ name: target.user, credential: { from: 'sealed', name: 'web' } }],
      options: { hostKeys: [await target.hostKey()] },
      ...more,
    },
  )
}

/** How OpenSSH's clients reach a gateway as somebody, without a person at them. */
export class SshClient {
  readonly configFile: string
  readonly #environment: NodeJS.ProcessEnv

  private constructor(configFile: string, environment: NodeJS.ProcessEnv) {
    this.configFile = configFile
    this.#environment = environment
  }

  /** Writes a configuration by which `ssh NAME` is NAME behind the gateway. */
  static async of(sallyport: Sallyport, person: Person, lines: readonly string[] = []): Promise<SshClient> {
    const directory = join(sallyport.directory, `ssh-${person.name}`)
    await mkdir(directory, { recursive: true })
    const askpass = join(directory, 'askpass')
    const configFile = join(directory, 'config')
    await writeFile(askpass, '#!/bin/sh\necho "$TOKEN"\n')
    await chmod(askpass, 0o700)
    await writeFile(configFile, '')
    await appendFile(
      configFile,
      [
        'Host *',
        'HostName 127.0.0.1',
        `Port ${sallyport.ports.ssh}`,
        `UserKnownHostsFile ${join(directory, 'known_hosts')}`,
        'StrictHostKeyChecking accept-new',
        'LogLevel ERROR',
        'IdentityFile none',
        'PreferredAuthentications password',
        'NumberOfPasswordPrompts 1',
        ...lines,
        '',
      ].join('\n'),
    )
    return new SshClient(configFile, {
      ...process.env,
      TOKEN: person.token,
      SSH_ASKPASS: askpass,
      SSH_ASKPASS_REQUIRE: 'force',
      SSH_AUTH_SOCK: '',
    })
  }

  get environment(): NodeJS.ProcessEnv {
    return this.#environment
  }

  /** Runs `ssh RESOURCE@gateway …` to its end. */
  ssh(
    resource: string,
    args: readonly string[],
    options: Omit<Parameters<typeof run>[2] & object, 'environment'> & {
      readonly flags?: readonly string[]
    } = {},
  ): Promise<Finished> {
    const { flags = [], ...others } = options
    return run('ssh', ['-F', this.configFile, ...flags, '-l', resource, 'gateway', ...args], {
      ...others,
      environment: this.#environment,
    })
  }

  /** The same, as it runs. */
  start(
    resource: string,
    args: readonly string[],
    flags: readonly string[] = [],
    options: ProcessOptions = {},
  ): Promise<RunningProcess> {
    return startProcess('ssh', ['-F', this.configFile, ...flags, '-l', resource, 'gateway', ...args], {
      ...options,
      environment: this.#environment,
    })
  }
}
