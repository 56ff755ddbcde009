import type { Kysely } from 'kysely'
import { actorKey, type Actor, type PrincipalId, type Restriction } from '@sallyport/core'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** An access token: its hash, never itself. */
export interface TokenRow {
  readonly id: string
  /** SHA-256 of the token, hex. */
  readonly hash: string
  readonly principalId: PrincipalId
  /** What uses it for the principal; null where the principal itself does. */
  readonly actor: Actor | null
  readonly label: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt: number | null
  /** To the minute at best: see whoever writes it. */
  readonly lastUsedAt: number | null
  /** The declared issuer by whose token it stands; null for one of our own. */
  readonly issuer: string | null
  /** The registered SSH key by which it stands; null where it was made otherwise. */
  readonly sshKey: string | null
  /** The sign-in at a provider by which it stands, where that can be asked about. */
  readonly signIn: string | null
  /** The token by which it was delegated, or for which it was exchanged: it ends with that. Null where it was not. */
  readonly parent: string | null
  /** The token of whoever acts, where they showed one of their own: it ends with that as well. */
  readonly actorToken: string | null
  /** What was delegated, where less than all. */
  readonly scope: readonly Restriction[] | null
  /** As whom issuers know whom it is about; null where no issuer's token was shown. */
  readonly party: string | null
  /** Who alone may be made an actor by it, as its issuer says, in the form of {@link party}. */
  readonly mayAct: string | null
}

/** What is kept of a new one. What only few have may be left out. */
export type NewToken = Omit<TokenRow, 'createdAt' | 'revokedAt' | 'lastUsedAt' | Rare> &
  Partial<Pick<TokenRow, Rare>>

type Rare = 'parent' | 'actorToken' | 'scope' | 'party' | 'mayAct'

export class TokenReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async byHash(hash: string): Promise<TokenRow | undefined> {
    const row = await this.db.selectFrom('tokens').selectAll().where('hash', '=', hash).executeTakeFirst()
    return row && parse(row)
  }

  async get(id: string): Promise<TokenRow | undefined> {
    const row = await this.db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row)
  }

  /** How many were made by showing this one, living or not. */
  async madeBy(id: string): Promise<number> {
    const { made } = await this.db
      .selectFrom('tokens')
      .select(({ fn }) => fn.countAll<number>().as('made'))
      .where((is) => is.or([is('parent', '=', id), is('actorToken', '=', id)]))
      .executeTakeFirstOrThrow()
    return Number(made)
  }

  /** Newest first; of one principal, or of all. */
  async list(principalId: string | undefined, limit: number): Promise<readonly TokenRow[]> {
    let query = this.db.selectFrom('tokens').selectAll().orderBy('createdAt', 'desc').orderBy('id', 'desc')
    if (principalId !== undefined) query = query.where('principalId', '=', principalId)
    return (await query.limit(limit).execute()).map(parse)
  }
}

export class TokenWriter extends TokenReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** @returns false where there is one of that hash already */
  async add(token: NewToken): Promise<boolean> {
    const { parent = null, actorToken = null, scope = null, party = null, mayAct = null } = token
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('tokens')
      .values({
        ...token,
        actor: token.actor && JSON.stringify(token.actor),
        parent,
        actorToken,
        scope: scope && JSON.stringify(scope),
        party,
        mayAct,
        createdAt: this.#change.nowMs,
        revokedAt: null,
        lastUsedAt: null,
      })
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return false
    const user = token.actor === null ? '' : `, used by ${actorKey(token.actor)}`
    const delegated =
      parent === null ? '' : `, ${token.actor === null ? 'by' : 'delegated by'} token ${parent}`
    const narrowed = scope === null ? '' : `, narrowed to ${JSON.stringify(scope)}`
    const issuer = token.issuer === null ? '' : `, by a token of issuer ${token.issuer}`
    const by = token.sshKey === null ? issuer : `, by SSH key ${token.sshKey}`
    this.#change.note(`token ${token.id} made for ${token.principalId}${user}${by}${delegated}${narrowed}`, {
      table: 'tokens',
      key: token.id,
      verb: 'created',
    })
    return true
  }

  /** With all that was delegated by them. @returns the ids that were living and are now revoked */
  async revoke(by: RevokedBy): Promise<readonly string[]> {
    const [column, value] = whichOf(by)
    const rows = await this.db
      .updateTable('tokens')
      .set({ revokedAt: this.#change.nowMs })
      .where(column, '=', value)
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', this.#change.nowMs)
      .returning('id')
      .execute()
    for (const { id } of rows)
      this.#change.note(`token ${id} revoked`, { table: 'tokens', key: id, verb: 'ended' })
    const ids = rows.map(({ id }) => id)
    return [...ids, ...(await revokeDelegated(this.#change, ids))]
  }

  /** Forgets tokens that ended before `beforeMs`. @returns how many */
  async forgetOld(beforeMs: number): Promise<number> {
    const { numDeletedRows } = await this.db
      .deleteFrom('tokens')
      .where('expiresAt', '<', beforeMs)
      .executeTakeFirst()
    if (numDeletedRows > 0n) this.#change.note(`${numDeletedRows} old tokens forgotten`)
    return Number(numDeletedRows)
  }
}

/** Revokes what was delegated by tokens that have ended, or is used by who had one, and so on. @returns the ids */
export async function revokeDelegated(change: Change, ended: readonly string[]): Promise<readonly string[]> {
  const waiting = [...ended]
  const all: string[] = []
  while (waiting.length > 0) {
    const by = waiting.splice(0, askedAtOnce)
    const rows = await change.db
      .updateTable('tokens')
      .set({ revokedAt: change.nowMs })
      .where((is) => is.or([is('parent', 'in', by), is('actorToken', 'in', by)]))
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', change.nowMs)
      .returning('id')
      .execute()
    const ids = rows.map(({ id }) => id)
    for (const id of ids)
      change.note(`token ${id} revoked with what it was delegated by`, {
        table: 'tokens',
        key: id,
        verb: 'ended',
      })
    waiting.push(...ids)
    all.push(...ids)
  }
  return all
}

/** SQLite takes some 32,000 values in one statement. */
const askedAtOnce = 1000

/** One of them, all of a principal, or all that stand by a key. */
type RevokedBy =
  | { readonly id: string }
  | { readonly principalId: string }
  | { readonly sshKey: string }
  | { readonly signIn: string }

function whichOf(by: RevokedBy): readonly ['id' | 'principalId' | 'sshKey' | 'signIn', string] {
  if ('id' in by) return ['id', by.id]
  if ('signIn' in by) return ['signIn', by.signIn]
  return 'sshKey' in by ? ['sshKey', by.sshKey] : ['principalId', by.principalId]
}

function parse(row: Tables['tokens']): TokenRow {
  return {
    ...row,
    principalId: row.principalId as PrincipalId,
    actor: row.actor === null ? null : (JSON.parse(row.actor) as Actor),
    scope: row.scope === null ? null : (JSON.parse(row.scope) as Restriction[]),
  }
}
