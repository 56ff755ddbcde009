import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** Targets' credentials, sealed with a key that is kept outside the store. */
export class CredentialReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const row = await this.db
      .selectFrom('credentials')
      .select('sealed')
      .where('name', '=', name)
      .executeTakeFirst()
    return row?.sealed
  }

  async list(): Promise<readonly { readonly name: string; readonly updatedAt: number }[]> {
    return this.db.selectFrom('credentials').select(['name', 'updatedAt']).orderBy('name').execute()
  }
}

export class CredentialWriter extends CredentialReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async put(name: string, sealed: Uint8Array): Promise<void> {
    const row = { sealed, updatedAt: this.#change.nowMs }
    await this.db
      .insertInto('credentials')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute()
    this.#change.note(`credential ${name} set`, { table: 'credentials', key: name, verb: 'changed' })
  }

  async delete(name: string): Promise<boolean> {
    const { numDeletedRows } = await this.db
      .deleteFrom('credentials')
      .where('name', '=', name)
      .executeTakeFirst()
    if (numDeletedRows === 0n) return false
    this.#change.note(`credential ${name} deleted`, { table: 'credentials', key: name, verb: 'ended' })
    return true
  }
}
