import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** A one-time link; `userName` null: for the first administrator, who chooses a name. Only the code's hash is kept. */
export interface SetupLink {
  /** SHA-256 of the code, hex. */
  readonly hash: string
  readonly userName: string | null
  readonly expiresAt: number
}

export class SetupLinkReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(hash: string): Promise<SetupLink | undefined> {
    return this.db.selectFrom('setupLinks').selectAll().where('hash', '=', hash).executeTakeFirst()
  }
}

export class SetupLinkWriter extends SetupLinkReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** Replaces any other link for the same user. */
  async add(link: SetupLink): Promise<void> {
    await this.db
      .deleteFrom('setupLinks')
      .where('userName', link.userName === null ? 'is' : '=', link.userName)
      .execute()
    await this.db.insertInto('setupLinks').values(link).execute()
    this.#change.about({ kind: 'user' })
    this.#change.note(`set-up link made for ${whom(link)}`)
  }

  /** Takes a link, once. @returns undefined where it does not exist or is over */
  async take(hash: string): Promise<SetupLink | undefined> {
    const link = await this.db
      .deleteFrom('setupLinks')
      .where('hash', '=', hash)
      .where('expiresAt', '>', this.#change.nowMs)
      .returningAll()
      .executeTakeFirst()
    this.#change.about({ kind: 'user' })
    if (link !== undefined) this.#change.note(`set-up link used for ${whom(link)}`)
    return link
  }
}

function whom(link: SetupLink): string {
  return link.userName === null ? 'the first administrator' : `user ${link.userName}`
}
