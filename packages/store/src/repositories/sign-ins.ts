import { sql, type Kysely } from 'kysely'
import type { SignedIn } from '@sallyport/core'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** A sign-in of a person. Tokens say by which they stand. */
export interface SignInRow {
  readonly id: string
  readonly userName: string
  /** The address of the provider that signed them in; null for a password of ours. */
  readonly issuer: string | null
  /** What the provider calls its own session, where it says so. */
  readonly sid: string | null
  /** The provider's refresh token, sealed: what to ask by whether the sign-in stands. */
  readonly refresh: Uint8Array | null
  readonly signedIn: SignedIn
}

export class SignInReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(id: string): Promise<SignInRow | undefined> {
    const row = await this.db.selectFrom('signIns').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row)
  }

  /** Those that can be asked about, in the order in which they began. */
  async refreshable(): Promise<readonly (SignInRow & { readonly refresh: Uint8Array })[]> {
    const rows = await this.db
      .selectFrom('signIns')
      .selectAll()
      .where('refresh', 'is not', null)
      .orderBy('id')
      .execute()
    return rows.map(parse).flatMap((row) => (row.refresh === null ? [] : { ...row, refresh: row.refresh }))
  }

  /** Of somebody's that can be asked about, the newest. */
  async newestRefreshable(userName: string): Promise<string | undefined> {
    const row = await this.db
      .selectFrom('signIns')
      .select('id')
      .where('userName', '=', userName)
      .where('refresh', 'is not', null)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row?.id
  }

  /** The ids of those by which a token stands. */
  async inUse(nowMs: number): Promise<ReadonlySet<string>> {
    return new Set((await usedAt(this.db, nowMs).execute()).flatMap(({ signIn }) => signIn ?? []))
  }

  /** Those that a provider has to do with: of one person, of one of its sessions, or both. */
  async of(issuer: string, which: SignInsOf): Promise<readonly SignInRow[]> {
    const { userName, sid } = which
    let query = this.db.selectFrom('signIns').selectAll().where('issuer', '=', issuer)
    if (userName !== undefined) query = query.where('userName', '=', userName)
    if (sid !== undefined) query = query.where('sid', '=', sid)
    return (await query.orderBy('id').execute()).map(parse)
  }
}

type SignInsOf =
  | { readonly userName: string; readonly sid?: string | undefined }
  | { readonly userName?: string | undefined; readonly sid: string }

export class SignInWriter extends SignInReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async add({ signedIn, ...signIn }: SignInRow): Promise<void> {
    await this.db
      .insertInto('signIns')
      .values({ ...signIn, ...columnsOf(signedIn) })
      .execute()
  }

  async setRefresh(id: string, refresh: Uint8Array): Promise<void> {
    await this.db.updateTable('signIns').set({ refresh }).where('id', '=', id).execute()
  }

  /** The person has signed in anew: whatever stands by it stands by that from now on. @returns false where there is none any more */
  async renew(
    id: string,
    { signedIn, sid, refresh }: Pick<SignInRow, 'signedIn' | 'sid' | 'refresh'>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable('signIns')
      .set({ ...columnsOf(signedIn), sid, ...(refresh !== null && { refresh }) })
      .where('id', '=', id)
      .executeTakeFirst()
    if (numUpdatedRows !== 1n) return false
    const by = signedIn.acr.length === 0 ? '' : ` by ${signedIn.acr.join(', ')}`
    this.#change.note(`sign-in ${id} renewed${by}`, { table: 'signIns', key: id, verb: 'changed' })
    return true
  }

  async delete(id: string): Promise<void> {
    await this.db.deleteFrom('signIns').where('id', '=', id).execute()
  }

  /** Forgets those by which nothing stands any more: no token, nor, by the newest of somebody that can be asked about, a key of theirs. */
  async forgetOver(): Promise<void> {
    const { nowMs } = this.#change
    const ofKeys = this.db
      .selectFrom('signIns')
      .select((it) => it.fn.max('id').as('id'))
      .where('refresh', 'is not', null)
      .where(
        sql<string>`'user:' || ${sql.ref('userName')}`,
        'in',
        this.db.selectFrom('sshKeys').select('principalId').where('expiresAt', '>', nowMs),
      )
      .groupBy('userName')
    await this.db
      .deleteFrom('signIns')
      .where('id', 'not in', usedAt(this.db, nowMs))
      .where('id', 'not in', ofKeys)
      .execute()
  }

  /**
   * Takes a logout token, of which this is the hash, and forgets those that nobody would take any more.
   * @returns false where it was taken before
   */
  async takeLogout(hash: string, expiresAtMs: number): Promise<boolean> {
    await this.db.deleteFrom('logoutTokens').where('expiresAt', '<=', this.#change.nowMs).execute()
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('logoutTokens')
      .values({ hash, expiresAt: expiresAtMs })
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n
  }

  /**
   * Takes a provider's answer, of which this is the hash, and forgets those that are over.
   * @param expiresAtMs when nobody would take it any more
   * @returns `full` where {@link maxTakenAnswers} are known: it must not be taken then
   */
  async takeAnswer(hash: string, expiresAtMs: number): Promise<'new' | 'again' | 'full'> {
    await this.db.deleteFrom('takenAnswers').where('expiresAt', '<=', this.#change.nowMs).execute()
    const { count } = await this.db
      .selectFrom('takenAnswers')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    if (Number(count) >= maxTakenAnswers) return 'full'
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('takenAnswers')
      .values({ hash, expiresAt: expiresAtMs })
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .executeTakeFirst()
    return numInsertedOrUpdatedRows === 1n ? 'new' : 'again'
  }
}

/** Of answers that are still to be known, at once: a dozen sign-ins a second, without end. */
export const maxTakenAnswers = 10_000

function columnsOf({ acr, amr, atMs }: SignedIn): Pick<Tables['signIns'], 'acr' | 'amr' | 'signedInAt'> {
  return { acr: JSON.stringify(acr), amr: JSON.stringify(amr), signedInAt: atMs ?? null }
}

function parse({ acr, amr, signedInAt, ...row }: Tables['signIns']): SignInRow {
  const signedIn = {
    acr: JSON.parse(acr) as string[],
    amr: JSON.parse(amr) as string[],
    ...(signedInAt !== null && { atMs: signedInAt }),
  }
  return { ...row, signedIn }
}

function usedAt(db: Kysely<Tables>, nowMs: number) {
  return db
    .selectFrom('tokens')
    .select('signIn')
    .where('signIn', 'is not', null)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', nowMs)
}
