import type { Kysely } from 'kysely'
import type { Change, StoreChange } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** As whom an identity provider knows somebody. Neither is ever assigned anew, as an e-mail address may be. */
export interface ProviderUser {
  /** The provider's address, as in `iss`. */
  readonly issuer: string
  readonly subject: string
  /** When the provider last said what groups they are in, by its own clock: what it said before does not come after. */
  readonly claimedAt: number
  /** Until when that is good for keys of theirs, by which they come in without the provider being asked. */
  readonly vouchedUntil: number
}

/** A person: a local user, or one whom an identity provider vouches for. */
export interface User {
  /** Unique, never reused: the principal's id is made of it. */
  readonly name: string
  readonly displayName: string
  readonly groups: readonly string[]
  /** Null: has not used the set-up link yet, or signs in at a provider. */
  readonly passwordHash: string | null
  /** Null for a local user. */
  readonly provider: ProviderUser | null
  readonly disabledAt: number | null
  /** Who shut them out, where it was not an administrator: whoever did may let them in again. */
  readonly disabledBy: 'scim' | null
  /** Who says what groups they are in, where it is not their provider's tokens. */
  readonly groupsBy: 'scim' | null
  readonly createdAt: number
}

export class UserReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** By name. */
  async list(): Promise<readonly User[]> {
    return (await this.db.selectFrom('users').selectAll().orderBy('name').execute()).map(parse)
  }

  async get(name: string): Promise<User | undefined> {
    const row = await this.db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()
    return row && parse(row)
  }

  async byProvider(issuer: string, subject: string): Promise<User | undefined> {
    const row = await this.db
      .selectFrom('users')
      .selectAll()
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst()
    return row && parse(row)
  }

  /** Of those who are not shut out, by name. */
  async livingIn(group: string): Promise<readonly string[]> {
    const rows = await this.db
      .selectFrom('users')
      .select(['name', 'groups'])
      .where('disabledAt', 'is', null)
      .where('groups', 'like', `%${JSON.stringify(group)}%`)
      .orderBy('name')
      .execute()
    return rows
      .filter(({ groups }) => (JSON.parse(groups) as string[]).includes(group))
      .map(({ name }) => name)
  }

  async isEmpty(): Promise<boolean> {
    return (await this.db.selectFrom('users').select('name').limit(1).executeTakeFirst()) === undefined
  }
}

/** There is no way to delete a user: its name stays taken, so that nobody inherits another's recordings and policies. */
export class UserWriter extends UserReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** @returns false where the name is taken */
  async create(
    user: Pick<User, 'name' | 'displayName' | 'groups'> & { readonly provider?: ProviderUser },
  ): Promise<boolean> {
    const { name, displayName, provider } = user
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('users')
      .values({
        name,
        displayName,
        groups: JSON.stringify(user.groups),
        passwordHash: null,
        disabledAt: null,
        disabledBy: null,
        groupsBy: null,
        createdAt: this.#change.nowMs,
        issuer: provider?.issuer ?? null,
        subject: provider?.subject ?? null,
        claimedAt: provider?.claimedAt ?? null,
        vouchedUntil: provider?.vouchedUntil ?? null,
      })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return false
    const by = provider === undefined ? '' : `, vouched for by ${provider.issuer}`
    this.#change.note(`user ${name} created in groups ${user.groups.join(', ') || 'none'}${by}`, {
      table: 'users',
      key: name,
      verb: 'created',
    })
    return true
  }

  setPasswordHash(name: string, passwordHash: string): Promise<boolean> {
    return this.#update(name, { passwordHash }, 'changed', `user ${name} set a password`)
  }

  setGroups(name: string, groups: readonly string[]): Promise<boolean> {
    const what = `user ${name} is in groups ${groups.join(', ') || 'none'}`
    return this.#update(name, { groups: JSON.stringify(groups) }, 'changed', what)
  }

  /** What the provider has said is as of then; nothing that it has said before counts any more. */
  async setClaimedAt(name: string, claimedAt: number): Promise<void> {
    await this.db.updateTable('users').set({ claimedAt }).where('name', '=', name).execute()
  }

  /** No change to what stands: it is asked when a key is shown. */
  async setVouchedUntil(name: string, vouchedUntil: number): Promise<void> {
    await this.db.updateTable('users').set({ vouchedUntil }).where('name', '=', name).execute()
  }

  setDisplayName(name: string, displayName: string): Promise<boolean> {
    return this.#update(name, { displayName }, 'changed', `user ${name} is called ${displayName}`)
  }

  disable(name: string, disabledBy: User['disabledBy'] = null): Promise<boolean> {
    const row = { disabledAt: this.#change.nowMs, disabledBy }
    return this.#update(name, row, 'ended', `user ${name} disabled`)
  }

  enable(name: string): Promise<boolean> {
    return this.#update(name, { disabledAt: null, disabledBy: null }, 'changed', `user ${name} enabled`)
  }

  setGroupsBy(name: string, groupsBy: User['groupsBy']): Promise<boolean> {
    const who = groupsBy === null ? 'their provider’s tokens say' : 'SCIM says'
    return this.#update(name, { groupsBy }, 'changed', `${who} what groups user ${name} is in`)
  }

  async #update(
    name: string,
    row: Partial<Tables['users']>,
    verb: StoreChange['verb'],
    what: string,
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('users')
      .set(row)
      .where('name', '=', name)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    this.#change.note(what, { table: 'users', key: name, verb })
    return true
  }
}

function parse({
  issuer,
  subject,
  claimedAt,
  vouchedUntil,
  disabledBy,
  groupsBy,
  ...row
}: Tables['users']): User {
  const isLocal = issuer === null || subject === null
  return {
    ...row,
    groups: JSON.parse(row.groups) as string[],
    disabledBy: disabledBy as User['disabledBy'],
    groupsBy: groupsBy as User['groupsBy'],
    provider: isLocal
      ? null
      : { issuer, subject, claimedAt: claimedAt ?? 0, vouchedUntil: vouchedUntil ?? 0 },
  }
}
