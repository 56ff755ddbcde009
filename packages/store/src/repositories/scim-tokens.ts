import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** By which a provider's SCIM connector may change people and groups. Good for nothing else. */
export interface ScimTokenRow {
  readonly id: string
  /** SHA-256 of the token, hex. */
  readonly hash: string
  readonly label: string
  readonly createdAt: number
  /** Principal id. */
  readonly createdBy: string
  readonly expiresAt: number
  readonly revokedAt: number | null
  /** To the minute at best. */
  readonly lastUsedAt: number | null
  readonly lastUsedFrom: string | null
}

export class ScimTokenReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** Newest first. */
  async list(): Promise<readonly ScimTokenRow[]> {
    return this.db
      .selectFrom('scimTokens')
      .selectAll()
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .execute()
  }

  async byHash(hash: string): Promise<ScimTokenRow | undefined> {
    return this.db.selectFrom('scimTokens').selectAll().where('hash', '=', hash).executeTakeFirst()
  }
}

export class ScimTokenWriter extends ScimTokenReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async add(
    token: Omit<ScimTokenRow, 'createdAt' | 'revokedAt' | 'lastUsedAt' | 'lastUsedFrom'>,
  ): Promise<void> {
    await this.db
      .insertInto('scimTokens')
      .values({
        ...token,
        createdAt: this.#change.nowMs,
        revokedAt: null,
        lastUsedAt: null,
        lastUsedFrom: null,
      })
      .execute()
    const until = new Date(token.expiresAt).toISOString()
    this.#change.note(`SCIM token ${token.id} (${token.label}) made until ${until}`, {
      table: 'scimTokens',
      key: token.id,
      verb: 'created',
    })
  }

  async used(id: string, from: string): Promise<void> {
    await this.db
      .updateTable('scimTokens')
      .set({ lastUsedAt: this.#change.nowMs, lastUsedFrom: from })
      .where('id', '=', id)
      .execute()
  }

  async revoke(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('scimTokens')
      .set({ revokedAt: this.#change.nowMs })
      .where('id', '=', id)
      .where('revokedAt', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    this.#change.note(`SCIM token ${id} revoked`, { table: 'scimTokens', key: id, verb: 'ended' })
    return true
  }

  /** Forgets tokens that ended before `beforeMs`. */
  async forgetOld(beforeMs: number): Promise<void> {
    const { numDeletedRows } = await this.db
      .deleteFrom('scimTokens')
      .where('expiresAt', '<', beforeMs)
      .executeTakeFirst()
    if (numDeletedRows > 0n) this.#change.note(`${numDeletedRows} old SCIM tokens forgotten`)
  }
}
