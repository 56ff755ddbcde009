import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

export interface PolicyTextRow {
  readonly name: string
  readonly text: string
}

/** A set of policies that is or was in force, without its texts. */
export interface PolicyVersion {
  /** 1, 2, 3… without gaps. */
  readonly version: number
  /** Principal id of whoever applied it. */
  readonly author: string
  readonly at: number
  /** Why, in the author's words; may be empty. */
  readonly note: string
}

export interface PolicySet extends PolicyVersion {
  /** By name. */
  readonly texts: readonly PolicyTextRow[]
}

export class PolicyReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** The set in force: the latest. */
  async current(): Promise<PolicySet | undefined> {
    const row = await this.db
      .selectFrom('policySets')
      .selectAll()
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row && parse(row)
  }

  async get(version: number): Promise<PolicySet | undefined> {
    const row = await this.db
      .selectFrom('policySets')
      .selectAll()
      .where('version', '=', version)
      .executeTakeFirst()
    return row && parse(row)
  }

  /** Newest first. */
  list(limit: number): Promise<readonly PolicyVersion[]> {
    return this.db
      .selectFrom('policySets')
      .select(['version', 'author', 'at', 'note'])
      .orderBy('version', 'desc')
      .limit(limit)
      .execute()
  }
}

export class PolicyWriter extends PolicyReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** Puts a whole set in force. @returns its version, one above the last */
  async apply(texts: readonly PolicyTextRow[], author: string, note = ''): Promise<number> {
    const version = ((await this.current())?.version ?? 0) + 1
    const ordered = texts
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, text }) => ({ name, text }))
    await this.db
      .insertInto('policySets')
      .values({ version, texts: JSON.stringify(ordered), author, at: this.#change.nowMs, note })
      .execute()
    this.#change.note(
      `policy set ${version} applied: ${ordered.map(({ name }) => name).join(', ') || 'empty'}${note === '' ? '' : `; ${note}`}`,
      { table: 'policySets', key: String(version), verb: 'created' },
    )
    return version
  }
}

function parse(row: Tables['policySets']): PolicySet {
  return { ...row, texts: JSON.parse(row.texts) as PolicyTextRow[] }
}
