import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** The gateway's own things: its certificate authority and keys, sealed by whoever writes them. */
export class SettingReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const row = await this.db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst()
    return row?.value
  }
}

export class SettingWriter extends SettingReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.db
      .insertInto('settings')
      .values({ key, value })
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
      .execute()
    this.#change.note(`setting ${key} written`, { table: 'settings', key, verb: 'changed' })
  }
}
