import { join } from 'node:path'
import type { DocumentInput } from '@sallyport/api'
import { buildSallyport } from '../world/built.ts'
import { startFaultyLink, type FaultyLink } from '../world/faulty-link.ts'
import type { Endpoint } from '../world/endpoint.ts'
import { freePort } from '../world/ports.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'
import { ledgerTable } from './load/operations.ts'
import { StatementLog } from './statement-log.ts'

const resource = 'orders-db'
export const database = 'shop'

/** Everybody may do everything but delete: so that a refusal can be seen to hold under every fault. */
const allButDelete: DocumentInput = {
  kind: 'Policy',
  name: 'all-but-delete',
  text: `permit (principal in Group::"workers", action, resource);
forbid (principal, action == Action::"delete", resource);
`,
}

export interface BedOptions {
  /** Where the gateway keeps its data, in place of a directory on the machine's own disk. */
  readonly dataDirectory?: string
  readonly environment?: Readonly<NodeJS.ProcessEnv>
}

/** Real processes to break: a target that logs every statement, a gateway, an agent, and a link on each of the agent's sides. */
export class Bed implements AsyncDisposable {
  readonly target: Postgres
  readonly sallyport: Sallyport
  /** Between agent and gateway. */
  readonly tunnel: FaultyLink
  /** Between agent and target. */
  readonly road: FaultyLink
  readonly statements: StatementLog
  readonly #life: AsyncDisposableStack
  readonly #dataDirectory: string
  #worker: Person

  constructor(
    parts: Pick<Bed, 'target' | 'sallyport' | 'tunnel' | 'road' | 'statements'>,
    dataDirectory: string,
    worker: Person,
    life: AsyncDisposableStack,
  ) {
    this.target = parts.target
    this.sallyport = parts.sallyport
    this.tunnel = parts.tunnel
    this.road = parts.road
    this.statements = parts.statements
    this.#dataDirectory = dataDirectory
    this.#worker = worker
    this.#life = life
  }

  get dataDirectory(): string {
    return this.#dataDirectory
  }

  get sealsDirectory(): string {
    return join(this.#dataDirectory, 'recordings', 'seals')
  }

  get endpoint(): Endpoint {
    return this.sallyport.endpoint(this.#worker, resource, database)
  }

  /** Tokens live for an hour, a long run does not end by then. */
  async renewTokens(): Promise<void> {
    this.sallyport.admin = await this.sallyport.signIn(this.sallyport.admin)
    this.#worker = await this.sallyport.signIn(this.#worker)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#life.disposeAsync()
  }
}

export async function layBed(options: BedOptions = {}): Promise<Bed> {
  await using life = new AsyncDisposableStack()
  // As it is installed: it starts in less than half of the time that the sources take.
  const { command } = life.use(await buildSallyport())
  const statements = new StatementLog()
  const target = life.use(
    await startPostgres({
      databases: [database],
      settings: { log_statement: 'all' },
      onLog: statements.take,
    }),
  )
  await target.query(ledgerTable, database)
  const ports = {
    api: await freePort(),
    agents: await freePort(),
    metrics: await freePort(),
    postgres: await freePort(),
    ssh: await freePort(),
  }
  const road = life.use(await startFaultyLink(target.port))
  const tunnel = life.use(await startFaultyLink(ports.agents))
  const sallyport = life.use(
    await startSallyport({
      command,
      ports,
      allow: [`127.0.0.1:${road.port}`],
      agentsThrough: tunnel.port,
      gateway: {
        limits: { requestsPerMinute: 1_000_000, signInsPerMinute: 1_000, connectionsBeforeLogin: 1_000 },
        log: { level: 'warn', format: 'json' },
        ...(options.dataDirectory !== undefined && { dataDirectory: options.dataDirectory }),
      },
      nodeOptions: ['--expose-gc', '--import', new URL('report-on-signal.ts', import.meta.url).href],
      ...(options.environment !== undefined && { environment: options.environment }),
    }),
  )
  await declarePostgres(sallyport, target, { port: road.port })
  await sallyport.apply(allButDelete)
  const worker = await sallyport.person('worker', ['workers'])
  const dataDirectory = options.dataDirectory ?? join(sallyport.directory, 'data')
  return new Bed({ target, sallyport, tunnel, road, statements }, dataDirectory, worker, life.move())
}
