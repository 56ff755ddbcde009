import { asFault, Fault, type CacheUse, type Clock, type Masking, type Session } from '@sallyport/core'
import { Catalog } from './catalog/catalog.ts'
import { TagMemory } from './catalog/tag-memory.ts'
import type { ViewTracer } from './catalog/view-tracer.ts'
import { beginningOf, type Beginning } from './default-path.ts'
import type { ScramKeyring } from './login/scram-keys.ts'
import type { PostgresOptions } from './options.ts'
import { openSide } from './open-side.ts'
import type { SideConnection } from './side-connection.ts'

/** A side connection that nobody asks anything for so long is closed. */
const idleMs = 5_000
/**
 * And sooner where no session is left: a database cannot be dropped or copied while anybody is connected to it. The server waits 5 s for
 * that. The next session may come at once, and ask.
 */
const abandonedMs = 1_000
const maxDatabases = 1_000
const askTimeoutMs = 15_000

type Query = (sql: string) => Promise<readonly (readonly (string | null)[])[]>

/** What the sessions of one resource, database and account share. Each disposes it when it leaves. */
export interface Database extends Disposable {
  readonly catalog: Catalog
  /** The same object for all of them: analyses are remembered by it. */
  readonly masking: Masking
  /** How the session has begun, just now, as whom its log-in named. For servers that do not report it (before 18). */
  beginning(user: string): Promise<Beginning>
}

/**
 * The databases that sessions are on, each with its catalogue. Whichever session asks first reads it, over a side
 * connection of its own; the others share what it read.
 */
export class Databases {
  readonly #clock: Clock
  readonly #tracer: ViewTracer
  readonly #keyring: ScramKeyring
  readonly #known = new Map<string, Shared>()
  /** Of all catalogues together. */
  readonly use: CacheUse = { name: 'catalogues', hits: 0, misses: 0 }

  constructor(clock: Clock, tracer: ViewTracer, keyring: ScramKeyring) {
    this.#clock = clock
    this.#tracer = tracer
    this.#keyring = keyring
  }

  /** For a session, from its log-in to its end: meanwhile questions may go through it. */
  for(session: Session<PostgresOptions>, name: string): Database {
    const shared = this.#shared(session, name)
    shared.sessions.add(session)
    const leave = (): void => {
      shared.sessions.delete(session)
      if (shared.sessions.size === 0) shared.abandon()
    }
    const { database, query, anew } = shared
    return {
      ...database,
      beginning: (user) => beginningOf(user, query, (sql) => anew(sql, session)),
      [Symbol.dispose]: leave,
    }
  }

  #shared(session: Session<PostgresOptions>, name: string): Shared {
    // A resource that was declared anew may have other tags, or be elsewhere: its whole text is the key.
    const key = JSON.stringify([session.resource, name, session.account])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const { masking } = session.resource
    const sessions = new Set<Session<PostgresOptions>>()
    const { query, anew, abandon } = asking(sessions, name, this.#keyring)
    const catalog = new Catalog({
      query: (sql) => query(aloneWith(sql)),
      masking,
      memory: new TagMemory(),
      tracer: this.#tracer,
      clock: this.#clock,
      use: this.use,
    })
    const shared: Shared = {
      sessions,
      abandon,
      query,
      anew,
      database: { catalog, masking },
    }
    if (this.#known.size >= maxDatabases) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(key, shared)
    return shared
  }
}

interface Shared extends Asking {
  readonly database: Omit<Database, typeof Symbol.dispose | 'beginning'>
  /** Those that are there: the tunnel and credential of any serve for all. */
  readonly sessions: Set<Session<PostgresOptions>>
}

interface Asking {
  readonly query: Query
  /** On a connection that logs in for it, as this session does. */
  readonly anew: (sql: string, session: Session<PostgresOptions>) => ReturnType<Query>
  /** The last session has left. */
  readonly abandon: () => void
}

/**
 * Asks through whichever session is there, on a connection that stays open while questions follow each other. Where it
 * breaks, the question is asked once more on another: it changes nothing, and nobody else should hear of it.
 */
function asking(
  sessions: ReadonlySet<Session<PostgresOptions>>,
  database: string,
  keyring: ScramKeyring,
): Asking {
  let open: Promise<SideConnection> | undefined
  /** Whose credential it logs in with, which may end with that session. */
  let through: Session<PostgresOptions> | undefined
  let idle: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()
  const close = (): void => {
    const closing = open
    open = undefined
    closing?.then((side) => side.end()).catch(() => undefined)
  }
  const closeAfter = (ms: number): void => {
    clearTimeout(idle)
    idle = setTimeout(close, ms).unref()
  }
  const ask = async (
    sql: string,
    by?: Session<PostgresOptions>,
  ): Promise<readonly (readonly (string | null)[])[]> => {
    clearTimeout(idle)
    if (open === undefined) {
      through = by ?? anyOf(sessions)
      open = openSide(through, { database, keyring, timeoutMs: askTimeoutMs })
    }
    try {
      return await (await open).query(sql)
    } catch (thrown) {
      close()
      throw thrown
    } finally {
      closeAfter(sessions.size === 0 ? abandonedMs : idleMs)
    }
  }
  const inTurn = (sql: string, by?: Session<PostgresOptions>): ReturnType<Query> => {
    const answer = last
      .then(() => {
        if (by !== undefined) close()
        return ask(sql, by)
      })
      .catch((thrown: unknown) => {
        const hasLeft = through !== undefined && !sessions.has(through)
        if (!hasLeft && !isBroken(thrown)) throw thrown
        return ask(sql, by)
      })
    last = answer.catch(() => undefined)
    return answer
  }
  return {
    query: (sql) => inTurn(sql),
    anew: inTurn,
    abandon: () => closeAfter(abandonedMs),
  }
}

/**
 * A question in a transaction of its own that changes nothing, and in which no operator or function that somebody made can come between:
 * of an operator that the server has for other types as well, one of just these types is taken wherever the path finds it.
 */
function aloneWith(sql: string): string {
  return `set transaction read only; set local search_path to pg_catalog, pg_temp; ${sql}`
}

/** The connection is gone, or could not be made; a target that refuses refuses again. */
function isBroken(thrown: unknown): boolean {
  const { code } = asFault(thrown)
  return code === 'gateway/agent-lost' || code === 'target/closed' || code === 'client/gone'
}

/** @throws Fault where none is left */
function anyOf(sessions: ReadonlySet<Session<PostgresOptions>>): Session<PostgresOptions> {
  const living = [...sessions].findLast(({ signal }) => !signal.aborted)
  if (living === undefined) throw new Fault('client/gone', 'the session has ended')
  return living
}

/** A connection of its own beside a session's, under the same account, that ends by `signal`. @throws Fault */
export function openBeside(
  session: Session<PostgresOptions>,
  database: string,
  keyring: ScramKeyring,
  signal: AbortSignal,
): Promise<SideConnection> {
  return openSide(session, { database, keyring, timeoutMs: askTimeoutMs, signal })
}
