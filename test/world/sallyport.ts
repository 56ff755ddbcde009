import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient, type Client, type DocumentInput } from '@sallyport/api'
import { stringify } from 'yaml'
import type { Endpoint } from './endpoint.ts'
import { freePort } from './ports.ts'
import type { Postgres } from './postgres.ts'
import { startNode, type RunningProcess } from './process.ts'
import { temporaryDirectory } from './temporary.ts'

const ofSources = new URL('../../packages/cli/src/main.ts', import.meta.url)
/** A busy machine may take long to start a program. */
const startMs = 300_000
const password = 'correct horse battery staple'

export interface Ports {
  readonly api: number
  readonly agents: number
  readonly metrics: number
  readonly postgres: number
  readonly ssh: number
}

export interface SallyportOptions {
  /** Targets that the agent may dial; loopback has to be named. */
  readonly allow?: readonly string[]
  /** Further keys of the gateway's configuration. */
  readonly gateway?: Readonly<Record<string, unknown>>
  /** The `sallyport` command; the one of the sources where absent. */
  readonly command?: URL
  /** How many processes carry the gateway's traffic; one where absent. */
  readonly processes?: number
  /** Where `--cpu-prof` of both processes goes. */
  readonly profileDirectory?: string
  /** How the gateway's process differs from the product's own. */
  readonly gatewayProcess?: GatewayProcess
  /** Ports to take; free ones where absent. */
  readonly ports?: Ports
  /** What agents dial in place of the gateway's own port: a link to it. */
  readonly agentsThrough?: number
  /** For both processes, before the program. */
  readonly nodeOptions?: readonly string[]
  /** Of both processes, on top of this one's own. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>
}

export interface GatewayProcess {
  /** A program of the bench's own in place of the product's; it takes `--config FILE`. */
  readonly program?: URL
  /** Flags of Node.js, such as `--import`. */
  readonly nodeOptions?: readonly string[]
  /** Variables on top of our own. */
  readonly environment?: Readonly<Record<string, string>>
  /** A command that runs another, such as `ip netns exec NAME`. */
  readonly runner?: readonly string[]
  /** The address by which it is reached; `localhost` unless told. */
  readonly host?: string
}

/** Somebody with an access token. */
export interface Person {
  readonly name: string
  readonly token: string
  readonly client: Client
}

/**
 * A whole deployment as an operator runs it: a gateway process, set up by its one-time link, and an agent process that
 * enrolled with a join token.
 */
export class Sallyport implements AsyncDisposable {
  readonly directory: string
  readonly ports: Ports
  readonly #options: SallyportOptions
  readonly #life: AsyncDisposableStack
  gateway!: RunningProcess
  agent!: RunningProcess
  admin!: Person
  readonly #command: URL
  #joinToken = ''

  constructor(directory: string, ports: Ports, options: SallyportOptions, life: AsyncDisposableStack) {
    this.directory = directory
    this.ports = ports
    this.#options = options
    this.#command = options.command ?? ofSources
    this.#life = life
  }

  get host(): string {
    return this.#options.gatewayProcess?.host ?? 'localhost'
  }

  get baseUrl(): string {
    return `https://${this.host}:${this.ports.api}`
  }

  /** PEM of the gateway's own authority. */
  get authorityFile(): string {
    return join(this.directory, 'ca.pem')
  }

  async startGateway(): Promise<void> {
    this.gateway = await this.launchGateway()
    await this.gateway.line(/is ready/, startMs)
  }

  /** The gateway's process, as soon as it runs: it may not serve yet, and it may never. */
  launchGateway(): Promise<RunningProcess> {
    const { program, nodeOptions = [], environment, runner } = this.#options.gatewayProcess ?? {}
    const args = ['--config', join(this.directory, 'gateway.yaml')]
    return startNode(program ?? this.#command, program ? args : ['gateway', ...args], {
      directory: this.directory,
      nodeOptions: [...this.#nodeOptions('gateway'), ...nodeOptions],
      environment: { ...this.#environment, ...environment },
      ...(runner && { runner }),
    })
  }

  async startAgent(): Promise<void> {
    this.agent = await this.startAgentAs('agent')
    await this.agent.line(/attached/, startMs)
    const { processes = 1 } = this.#options
    for (let each = 1; processes > 1 && each <= processes; each++)
      await this.agent.line(new RegExp(`"process":${each},.*"attached"`))
  }

  /** A further agent of the pool `local`, or the first one again, by the name of its state directory. */
  startAgentAs(
    name: string,
    allowed = this.#options.allow ?? [],
    port = this.#options.agentsThrough ?? this.ports.agents,
  ): Promise<RunningProcess> {
    const allow = allowed.flatMap((pattern) => ['--allow', pattern])
    return startNode(
      this.#command,
      [
        'agent',
        '--gateway',
        `${this.host}:${port}`,
        '--token',
        this.#joinToken,
        '--state-directory',
        join(this.directory, name),
        ...allow,
      ],
      {
        directory: this.directory,
        nodeOptions: this.#nodeOptions(name),
        environment: this.#environment,
      },
    )
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#options.environment }
  }

  #nodeOptions(name: string): readonly string[] {
    return [...profile(this.#options.profileDirectory, name), ...(this.#options.nodeOptions ?? [])]
  }

  async setUp(): Promise<void> {
    const [, code = ''] = await this.gateway.line(/\/setup#(\S+)/)
    const anonymous = createClient({ baseUrl: this.baseUrl, fingerprint: await this.#fingerprint() })
    const { token } = await anonymous.setup.consume({ code, name: 'root', password })
    this.admin = { name: 'root', token, client: await this.client(token) }
    const minted = await this.admin.client.joinTokens.create({ pool: 'local', uses: 10 })
    this.#joinToken = minted.token
  }

  async client(token?: string): Promise<Client> {
    const ca = await readFile(this.authorityFile, 'utf8')
    return createClient({ baseUrl: this.baseUrl, ca, ...(token === undefined ? {} : { token }) })
  }

  /** Invites a person, who sets a password and signs in. */
  async person(name: string, groups: readonly string[]): Promise<Person> {
    const invited = await this.admin.client.users.create({ name, groups: [...groups] })
    const code = new URL(invited.setupLink.url).hash.slice(1)
    const { token } = await (await this.client()).setup.consume({ code, name, password })
    return { name, token, client: await this.client(token) }
  }

  /** The same person with a fresh token. */
  async signIn({ name }: Person): Promise<Person> {
    const { token } = await (await this.client()).login.withPassword({ name, password })
    return { name, token, client: await this.client(token) }
  }

  async apply(...documents: readonly DocumentInput[]): Promise<void> {
    await this.admin.client.apply.documents({ documents: [...documents], dryRun: false, prune: false })
  }

  /** Where a PostgreSQL client of this person connects to. */
  endpoint(person: Person, resource: string, database: string): Endpoint {
    return {
      host: 'localhost',
      port: this.ports.postgres,
      user: resource,
      password: person.token,
      database,
      trust: this.authorityFile,
    }
  }

  defer(resource: AsyncDisposable): void {
    this.#life.use(resource)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent?.stop()
    await this.gateway?.stop()
    await this.#life.disposeAsync()
  }

  async #fingerprint(): Promise<string> {
    const [fingerprint = ''] = await this.gateway.line(/[0-9A-F]{2}(:[0-9A-F]{2}){31}|[0-9a-f]{64}/)
    const { certificateByFingerprint } = await import('@sallyport/api')
    await writeFile(this.authorityFile, await certificateByFingerprint(this.baseUrl, fingerprint))
    return fingerprint
  }
}

function profile(directory: string | undefined, name: string): readonly string[] {
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}/${name}`]
}

/** Starts gateway and agent, and signs in the first administrator. */
export async function startSallyport(options: SallyportOptions = {}): Promise<Sallyport> {
  await using life = new AsyncDisposableStack()
  const { path: directory } = life.use(await temporaryDirectory())
  const ports = options.ports ?? {
    api: await freePort(),
    agents: await freePort(),
    metrics: await freePort(),
    postgres: await freePort(),
    ssh: await freePort(),
  }
  const { host } = options.gatewayProcess ?? {}
  const address = host === undefined ? '127.0.0.1' : '0.0.0.0'
  const config = {
    dataDirectory: join(directory, 'data'),
    listen: {
      api: `${address}:${ports.api}`,
      agents: `${address}:${ports.agents}`,
      metrics: `${address}:${ports.metrics}`,
      postgres: `${address}:${ports.postgres}`,
      ssh: `${address}:${ports.ssh}`,
    },
    ...(host !== undefined && { publicHost: host }),
    drainMs: 1000,
    ...(options.processes === undefined ? {} : { processes: options.processes }),
    ...options.gateway,
  }
  await writeFile(join(directory, 'gateway.yaml'), stringify(config))
  const sallyport = new Sallyport(directory, ports, options, life.move())
  try {
    await sallyport.startGateway()
    await sallyport.setUp()
    await sallyport.startAgent()
    return sallyport
  } catch (thrown) {
    await sallyport[Symbol.asyncDispose]()
    throw thrown
  }
}

/** A PostgreSQL server as a resource `orders-db`, reached through the pool `local` with its superuser's password sealed. */
export async function declarePostgres(
  sallyport: Sallyport,
  target: Postgres,
  more: Partial<DocumentInput & { kind: 'Resource' }> = {},
): Promise<void> {
  await sallyport.apply(
    { kind: 'Credential', name: 'orders-db', password: target.password },
    {
      kind: 'Resource',
      name: 'orders-db',
      protocol: 'postgres',
      host: '127.0.0.1',
      port: target.port,
      agent: 'local',
      accounts: [{ name: target.user, credential: { from: 'sealed', name: 'orders-db' } }],
      options: { tls: { mode: 'verify-full', ca: target.authority, servername: 'localhost' } },
      ...more,
    },
  )
}

/** Everything, for everybody in group `unrestricted`: what direct access would be, recorded. */
export const unrestricted: DocumentInput = {
  kind: 'Policy',
  name: 'unrestricted',
  text: '@id("unrestricted")\npermit (principal in Group::"unrestricted", action, resource);\n',
}
