import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { RecentCache } from '@sallyport/core'

/** A statement that can be run as often as wanted. */
export interface PreparedStatement {
  readonly statement: StatementSync
  /** Whether it answers with rows. */
  readonly isReader: boolean
}

/**
 * Prepares each text once for all the times that it is run: to prepare a statement takes longer than to run it. Kept is what reads and
 * writes rows or bounds a transaction, nothing else: a PRAGMA may act while it is prepared rather than when it is run.
 * @see https://www.sqlite.org/pragma.html
 */
export class PreparedStatements {
  readonly #database: DatabaseSync
  readonly #kept = new RecentCache<string, PreparedStatement>(maxKept)

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Throws what the database threw. */
  get(text: string): PreparedStatement {
    const known = this.#kept.get(text)
    if (known !== undefined) return known
    const statement = this.#database.prepare(text)
    const prepared = { statement, isReader: statement.columns().length > 0 }
    if (keeps.test(text)) this.#kept.set(text, prepared)
    return prepared
  }
}

const keeps = /^(?:select|insert|update|delete|begin|commit|rollback)\b/
/** Some 5 KiB each. The texts are the repositories' own: a few hundred, with those that differ in the length of a list. */
const maxKept = 256
