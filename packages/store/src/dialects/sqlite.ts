import { closeSync, openSync } from 'node:fs'
import { open as openFile, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { sql, SqliteDialect } from 'kysely'
import { unavailable, type Unavailable } from '../faults.ts'
import type { StoreDialect } from './dialect.ts'
import { PreparedStatements } from './prepared-statements.ts'

/**
 * SQLite out of Node itself: one file, a real fsync on every commit, and an exclusive lock for as long as it is open. A second
 * gateway on the same file would not hear of the first one's revocations, and so is refused.
 * @param file a path, or `:memory:`
 * @param lockWaitMs how long to wait, at the start, for a gateway that is just stopping
 * @param isShared among the processes of one gateway, which tell each other: without the exclusive lock, see {@link lockStore}
 * @throws Fault gateway/store-unavailable
 */
export function sqliteDialect(file: string, lockWaitMs: number, isShared = false): StoreDialect {
  const database = told(() => (isShared ? openShared(file) : openAlone(file, lockWaitMs)))
  // A transaction that reads before it writes would fail where another process wrote in between: it takes the lock at once.
  const begin = isShared ? 'begin immediate' : 'begin'
  const statements = new PreparedStatements(database)
  const log = new WriteAheadLog(file)
  return {
    kysely: new SqliteDialect({
      database: {
        close() {
          database.close()
          void log.close()
        },
        prepare: (text) => {
          const { statement, isReader } = told(() => statements.get(text === 'begin' ? begin : text))
          return {
            reader: isReader,
            all: (parameters) => told(() => statement.all(...values(parameters))),
            run: (parameters) => {
              // A commit that failed for want of space has rolled back by itself; to do so again is an error that would hide it.
              if (text === 'rollback' && !database.isTransaction) return { changes: 0, lastInsertRowid: 0 }
              return told(() => statement.run(...values(parameters)))
            },
            // It goes on while others run: one of its own.
            iterate: (parameters) => told(() => database.prepare(text).iterate(...values(parameters))),
          }
        },
      },
    }),
    types: { integer: sql`integer`, bytes: sql`blob` },
    tableEnd: sql`strict`,
    async guard(db) {
      await sql`
        create trigger "reviewsMoveForward" before update of "state" on "reviews"
        when not exists (select 1 from "reviewMoves" where "was" = old."state" and "becomes" = new."state")
        begin select raise(abort, 'a review cannot move like that'); end
      `.execute(db)
      for (const event of ['update', 'delete'])
        await sql`
          create trigger ${sql.id(`auditRefuses_${event}`)} before ${sql.raw(event)} on "audit"
          begin select raise(abort, 'the audit log only grows'); end
        `.execute(db)
    },
    async guardGrants(db) {
      await sql`
        create trigger "accessRequestsMoveForward" before update of "state" on "accessRequests"
        when not exists (select 1 from "accessRequestMoves" where "was" = old."state" and "becomes" = new."state")
        begin select raise(abort, 'a request cannot move like that'); end
      `.execute(db)
      const given = ['id', 'request', 'principalId', 'actorId', 'resource', 'account', 'startsAt', 'endsAt']
      const isOther = sql.join(
        given.map((column) => sql`old.${sql.id(column)} <> new.${sql.id(column)}`),
        sql` or `,
      )
      await sql`
        create trigger "grantsOnlyEnd" before update on "grants"
        when old."revokedAt" is not null or new."revokedAt" is null or ${isOther}
        begin select raise(abort, 'a grant can only be revoked, once'); end
      `.execute(db)
    },
    async commitTogether(db, queries) {
      const changed = await db.connection().execute(async (connection) => {
        await sql`pragma synchronous = normal`.execute(connection)
        try {
          return await connection.transaction().execute(async (tx) => {
            const counts: bigint[] = []
            for (const query of queries) counts.push((await tx.executeQuery(query)).numAffectedRows ?? 0n)
            return counts
          })
        } finally {
          await sql`pragma synchronous = full`.execute(connection)
        }
      })
      try {
        await log.sync()
      } catch (thrown) {
        // What the disk failed to take, it may never be given again: it goes another way, into the database itself.
        await sql`pragma wal_checkpoint(truncate)`.execute(db).catch(() => undefined)
        throw unavailable('failed', thrown)
      }
      return changed
    },
  }
}

/**
 * What SQLite's commits went to, made durable without holding up the process, as SQLite's own sync would. SQLite takes no locks on this
 * file, so that it may be opened beside it.
 */
class WriteAheadLog {
  readonly #file: string
  #log: FileHandle | undefined

  constructor(file: string) {
    this.#file = file
  }

  /** Resolves when all that was committed so far is on the disk. Throws what the system threw. */
  async sync(): Promise<void> {
    if (this.#file === ':memory:') return
    if (this.#log === undefined) {
      this.#log = await openFile(`${this.#file}-wal`, 'r+')
      // It may be new, and SQLite not yet have had a reason to make its name durable.
      await using directory = await openFile(dirname(this.#file), 'r')
      await directory.sync()
    }
    await this.#log.datasync()
  }

  async close(): Promise<void> {
    await this.#log?.close()
  }
}

/**
 * Keeps every other gateway off a store that the processes of this one share, until disposed or until this process dies.
 * @throws Fault gateway/store-unavailable
 */
export function lockStore(file: string, lockWaitMs = 5_000): Disposable {
  const database = told(() => open(`${file}.lock`, lockWaitMs, ['PRAGMA locking_mode = EXCLUSIVE', takeNow]))
  return { [Symbol.dispose]: () => database.close() }
}

function openAlone(file: string, lockWaitMs: number): DatabaseSync {
  return open(file, lockWaitMs, ['PRAGMA locking_mode = EXCLUSIVE', ...settings, takeNow])
}

function openShared(file: string): DatabaseSync {
  return open(file, busyMs, settings)
}

function open(file: string, waitMs: number, statements: readonly string[]): DatabaseSync {
  // It holds password hashes: made before SQLite would, for its owner alone. Its journal follows suit.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file, { timeout: waitMs })
  try {
    for (const statement of statements) database.exec(statement)
    return database
  } catch (thrown) {
    database.close()
    throw thrown
  }
}

const settings = ['PRAGMA journal_mode = WAL', 'PRAGMA synchronous = FULL', 'PRAGMA trusted_schema = OFF']
/** Takes the lock now, not with the first write. */
const takeNow = 'BEGIN EXCLUSIVE; COMMIT'
/** How long one process waits for another's write; nothing else runs in it meanwhile. A write takes a few milliseconds. */
const busyMs = 2_000

/** Kysely's parameters are plain values: the row types have no others. */
function values(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[]
}

/** Runs it; a failure of the database itself comes out as a Fault. A violated constraint is the caller's, and stays what it is. */
function told<T>(run: () => T): T {
  try {
    return run()
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown
    if ('syscall' in thrown) throw unavailable('cannot-open', thrown)
    if (!('errcode' in thrown) || typeof thrown.errcode !== 'number') throw thrown
    // The low byte of an extended result code is the primary one. https://www.sqlite.org/rescode.html
    const primary = thrown.errcode & 0xff
    if (primary === constraint || primary === generic) throw thrown
    throw unavailable(failures[primary] ?? 'failed', thrown)
  }
}

const generic = 1
const constraint = 19
const failures: Readonly<Record<number, Unavailable>> = {
  5: 'in-use',
  6: 'in-use',
  8: 'read-only',
  11: 'damaged',
  13: 'full',
  14: 'cannot-open',
  26: 'damaged',
}
