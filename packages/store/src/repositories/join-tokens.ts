import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** What lets an agent enrol in a pool, a number of times. */
export interface JoinTokenRow {
  readonly id: string
  /** SHA-256 of the token, hex. */
  readonly hash: string
  readonly pool: string
  readonly labels: Readonly<Record<string, string>>
  readonly usesLeft: number
  readonly createdAt: number
  /** Principal id. */
  readonly createdBy: string
  readonly expiresAt: number
  readonly revokedAt: number | null
}

export class JoinTokenReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** Newest first. */
  async list(): Promise<readonly JoinTokenRow[]> {
    const rows = await this.db
      .selectFrom('joinTokens')
      .selectAll()
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .execute()
    return rows.map(parse)
  }
}

export class JoinTokenWriter extends JoinTokenReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async add(token: Omit<JoinTokenRow, 'createdAt' | 'revokedAt'>): Promise<void> {
    await this.db
      .insertInto('joinTokens')
      .values({
        ...token,
        labels: JSON.stringify(token.labels),
        createdAt: this.#change.nowMs,
        revokedAt: null,
      })
      .execute()
    this.#change.note(`join token ${token.id} made for pool ${token.pool}, ${token.usesLeft} uses`, {
      table: 'joinTokens',
      key: token.id,
      verb: 'created',
    })
  }

  /** Takes one use. @returns undefined where there is none left, or it is over, revoked or unknown */
  async use(hash: string): Promise<JoinTokenRow | undefined> {
    const row = await this.db
      .updateTable('joinTokens')
      .set((eb) => ({ usesLeft: eb('usesLeft', '-', 1) }))
      .where('hash', '=', hash)
      .where('usesLeft', '>', 0)
      .where('expiresAt', '>', this.#change.nowMs)
      .where('revokedAt', 'is', null)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return undefined
    this.#change.note(`join token ${row.id} used for pool ${row.pool}, ${row.usesLeft} uses left`, {
      table: 'joinTokens',
      key: row.id,
      verb: row.usesLeft === 0 ? 'ended' : 'changed',
    })
    return parse(row)
  }

  async revoke(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('joinTokens')
      .set({ revokedAt: this.#change.nowMs })
      .where('id', '=', id)
      .where('revokedAt', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    this.#change.note(`join token ${id} revoked`, { table: 'joinTokens', key: id, verb: 'ended' })
    return true
  }
}

function parse(row: Tables['joinTokens']): JoinTokenRow {
  return { ...row, labels: JSON.parse(row.labels) as Record<string, string> }
}
