import type { CacheUse, Clock, Masking, Session } from '@sallyport/core'
import { Catalog } from './catalog/catalog.ts'
import { TagMemory } from './catalog/tag-memory.ts'
import type { ViewTracer } from './catalog/view-tracer.ts'
import { logIn, type Target } from './login/upstream.ts'
import type { PostgresOptions } from './options.ts'
import { SideConnection } from './side-connection.ts'

/** A side connection that nobody asks anything for so long is closed. */
const idleMs = 5_000
const maxDatabases = 1_000
const askTimeoutMs = 15_000

type Query = (sql: string) => Promise<readonly (readonly (string | null)[])[]>

/** What the sessions of one resource, database and account share. */
export interface Database {
  readonly catalog: Catalog
  /** The same object for all of them: analyses are remembered by it. */
  readonly masking: Masking
  /** `search_path` as a new session of this account has it. For servers that do not report it (before 18). */
  defaultSearchPath(): Promise<string>
}

/**
 * The databases that sessions are on, each with its catalogue. Whichever session asks first reads it, over a side
 * connection of its own; the others share what it read.
 */
export class Databases {
  readonly #clock: Clock
  readonly #tracer: ViewTracer
  readonly #known = new Map<string, Shared>()
  /** Of all catalogues together. */
  readonly use: CacheUse = { name: 'catalogues', hits: 0, misses: 0 }

  constructor(clock: Clock, tracer: ViewTracer) {
    this.#clock = clock
    this.#tracer = tracer
  }

  for(session: Session<PostgresOptions>, name: string): Database {
    // A resource that was declared anew may have other tags, or be elsewhere: its whole text is the key.
    const key = JSON.stringify([session.resource, name, session.account])
    const known = this.#known.get(key)
    if (known !== undefined) {
      known.session = session
      return known.database
    }
    const { masking } = session.resource
    let shared: Shared
    const query = asking(() => shared.session, name)
    const catalog = new Catalog({
      query,
      masking,
      memory: new TagMemory(),
      tracer: this.#tracer,
      clock: this.#clock,
      use: this.use,
    })
    shared = {
      session,
      database: {
        catalog,
        masking,
        async defaultSearchPath() {
          const rows = await query('show search_path')
          return rows[0]?.[0] ?? ''
        },
      },
    }
    if (this.#known.size >= maxDatabases) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(key, shared)
    return shared.database
  }
}

interface Shared {
  readonly database: Database
  /** Whoever came last: its tunnel and credential serve for all. */
  session: Session<PostgresOptions>
}

/** Asks through whichever session is there, on a connection that stays open while questions follow each other. */
function asking(session: () => Session<PostgresOptions>, database: string): Query {
  let open: Promise<{ readonly side: SideConnection; readonly ended: AbortController }> | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()
  const close = (): void => {
    const closing = open
    open = undefined
    closing?.then(({ side }) => side.end()).catch(() => undefined)
  }
  const ask = async (sql: string): Promise<readonly (readonly (string | null)[])[]> => {
    clearTimeout(idle)
    open ??= connect(session(), database)
    try {
      const { side } = await open
      return await side.query(sql)
    } catch (thrown) {
      close()
      throw thrown
    } finally {
      idle = setTimeout(close, idleMs).unref()
    }
  }
  return (sql) => {
    const answer = last.then(() => ask(sql))
    last = answer.catch(() => undefined)
    return answer
  }
}

async function connect(
  session: Session<PostgresOptions>,
  database: string,
): Promise<{ side: SideConnection; ended: AbortController }> {
  const ended = new AbortController()
  const raw = await session.dial()
  raw.on('error', () => ended.abort()).on('close', () => ended.abort())
  try {
    const { stream } = await logIn(
      raw,
      targetOf(session),
      await session.credential(),
      {
        database,
        client_encoding: 'UTF8',
        application_name: 'sallyport',
        statement_timeout: String(askTimeoutMs),
      },
      AbortSignal.any([ended.signal, AbortSignal.timeout(askTimeoutMs)]),
    )
    return { side: new SideConnection(stream, ended.signal), ended }
  } catch (thrown) {
    raw.destroy()
    throw thrown
  }
}

export function targetOf(session: Session<PostgresOptions>): Target {
  return { host: session.resource.host, tls: session.resource.options.tls }
}
