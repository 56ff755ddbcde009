import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** A sign-in at a provider, and what to ask by whether it stands. Tokens say by which they stand. */
export interface SignInRow {
  readonly id: string
  readonly userName: string
  /** The provider's refresh token, sealed. */
  readonly refresh: Uint8Array
}

export class SignInReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** In the order in which they began. */
  async list(): Promise<readonly SignInRow[]> {
    return this.db.selectFrom('signIns').selectAll().orderBy('id').execute()
  }
}

export class SignInWriter extends SignInReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async add(signIn: SignInRow): Promise<void> {
    await this.db.insertInto('signIns').values(signIn).execute()
  }

  async setRefresh(id: string, refresh: Uint8Array): Promise<void> {
    await this.db.updateTable('signIns').set({ refresh }).where('id', '=', id).execute()
  }

  async delete(id: string): Promise<void> {
    await this.db.deleteFrom('signIns').where('id', '=', id).execute()
  }

  /** Forgets those by which no token stands any more. */
  async forgetOver(): Promise<void> {
    const living = this.db
      .selectFrom('tokens')
      .select('signIn')
      .where('signIn', 'is not', null)
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', this.#change.nowMs)
    await this.db.deleteFrom('signIns').where('id', 'not in', living).execute()
  }
}
