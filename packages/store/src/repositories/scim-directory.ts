import type { Kysely } from 'kysely'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** A person as a SCIM connector keeps them. */
export interface ScimUserRow {
  readonly id: string
  /** In lower case: names are the same in any. */
  readonly userName: string
  readonly externalId: string | null
  /** Whose user here they are, by name. */
  readonly user: string
  /** All that the connector says of them. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly updatedAt: number
}

export interface ScimGroupRow {
  readonly id: string
  /** In lower case. */
  readonly displayName: string
  readonly externalId: string | null
  /** All that the connector says of it but its members. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly updatedAt: number
}

/** Which of them: by a key that is looked up, or all. */
export interface ScimLookUp {
  readonly by?: { readonly key: 'id' | 'name' | 'externalId' | 'member'; readonly value: string }
  readonly offset?: number
  readonly limit?: number
}

/** In the order in which they were made. */
export class ScimDirectoryReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async user(id: string): Promise<ScimUserRow | undefined> {
    const row = await this.db.selectFrom('scimUsers').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parsed(row)
  }

  async userOf(name: string): Promise<ScimUserRow | undefined> {
    const row = await this.db.selectFrom('scimUsers').selectAll().where('user', '=', name).executeTakeFirst()
    return row && parsed(row)
  }

  async users({ by, offset = 0, limit = all }: ScimLookUp): Promise<readonly ScimUserRow[]> {
    let query = this.db.selectFrom('scimUsers').selectAll().orderBy('createdAt').orderBy('id')
    if (by !== undefined) {
      const column = by.key === 'name' ? 'userName' : by.key === 'member' ? 'id' : by.key
      query = query.where(column, '=', by.value)
    }
    return (await query.limit(limit).offset(offset).execute()).map(parsed)
  }

  async group(id: string): Promise<ScimGroupRow | undefined> {
    const row = await this.db.selectFrom('scimGroups').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parsed(row)
  }

  async groups({ by, offset = 0, limit = all }: ScimLookUp): Promise<readonly ScimGroupRow[]> {
    let query = this.db.selectFrom('scimGroups').selectAll().orderBy('createdAt').orderBy('id')
    if (by?.key === 'member')
      query = query.where('id', 'in', (within) =>
        within.selectFrom('scimMembers').select('group').where('member', '=', by.value),
      )
    else if (by !== undefined) query = query.where(by.key === 'name' ? 'displayName' : by.key, '=', by.value)
    return (await query.limit(limit).offset(offset).execute()).map(parsed)
  }

  async count(table: 'scimUsers' | 'scimGroups' | 'scimMembers'): Promise<number> {
    const { count } = await this.db
      .selectFrom(table)
      .select((select) => select.fn.countAll<number | bigint>().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** Of a group, with what they are called. */
  async membersOf(group: string): Promise<readonly { readonly id: string; readonly user: string }[]> {
    return this.db
      .selectFrom('scimMembers')
      .innerJoin('scimUsers', 'scimUsers.id', 'scimMembers.member')
      .select(['scimUsers.id', 'scimUsers.user'])
      .where('scimMembers.group', '=', group)
      .orderBy('scimUsers.createdAt')
      .orderBy('scimUsers.id')
      .execute()
  }

  /** The groups that somebody is in. */
  async groupsOf(
    member: string,
  ): Promise<readonly { readonly id: string; readonly attributes: ScimGroupRow['attributes'] }[]> {
    const rows = await this.db
      .selectFrom('scimMembers')
      .innerJoin('scimGroups', 'scimGroups.id', 'scimMembers.group')
      .select(['scimGroups.id', 'scimGroups.attributes'])
      .where('scimMembers.member', '=', member)
      .orderBy('scimGroups.id')
      .execute()
    return rows.map(parsed)
  }
}

/** What becomes of people and groups here is written where that is kept; this is what the connector reads back. */
export class ScimDirectoryWriter extends ScimDirectoryReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async putUser(row: Omit<ScimUserRow, 'createdAt' | 'updatedAt'>): Promise<void> {
    const { nowMs } = this.#change
    const { id, ...rest } = { ...row, attributes: JSON.stringify(row.attributes), updatedAt: nowMs }
    await this.db
      .insertInto('scimUsers')
      .values({ id, ...rest, createdAt: nowMs })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
      .execute()
    this.#change.note(`SCIM user ${id} (${row.userName}) is user ${row.user}`)
  }

  async deleteUser(id: string): Promise<void> {
    await this.db.deleteFrom('scimMembers').where('member', '=', id).execute()
    await this.db.deleteFrom('scimUsers').where('id', '=', id).execute()
    this.#change.note(`SCIM user ${id} deleted`)
  }

  async putGroup(row: Omit<ScimGroupRow, 'createdAt' | 'updatedAt'>): Promise<void> {
    const { nowMs } = this.#change
    const { id, ...rest } = { ...row, attributes: JSON.stringify(row.attributes), updatedAt: nowMs }
    await this.db
      .insertInto('scimGroups')
      .values({ id, ...rest, createdAt: nowMs })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
      .execute()
    this.#change.note(`SCIM group ${id} is ${row.displayName}`)
  }

  async deleteGroup(id: string): Promise<void> {
    await this.db.deleteFrom('scimMembers').where('group', '=', id).execute()
    await this.db.deleteFrom('scimGroups').where('id', '=', id).execute()
    this.#change.note(`SCIM group ${id} deleted`)
  }

  async addMember(group: string, member: string): Promise<void> {
    await this.db.insertInto('scimMembers').values({ group, member }).execute()
  }

  async removeMember(group: string, member: string): Promise<void> {
    await this.db.deleteFrom('scimMembers').where('group', '=', group).where('member', '=', member).execute()
  }
}

function parsed<Row extends { attributes: string }>(
  row: Row,
): Omit<Row, 'attributes'> & { attributes: Record<string, unknown> } {
  return { ...row, attributes: JSON.parse(row.attributes) as Record<string, unknown> }
}

/** More than there may be. */
const all = 1_000_000_000
