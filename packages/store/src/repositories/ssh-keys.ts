import type { Kysely } from 'kysely'
import type { PrincipalId } from '@sallyport/core'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'

/** A public key by which somebody may log in. Each is one principal's. */
export interface SshKeyRow {
  readonly id: string
  /** `SHA256:…`, by which it is found. */
  readonly fingerprint: string
  /** As OpenSSH encodes it (RFC 4253 section 6.6), base64. */
  readonly publicKey: string
  readonly principalId: PrincipalId
  /** In its owner's words. */
  readonly label: string
  readonly createdAt: number
  /** It lets nobody in from then on. */
  readonly expiresAt: number
  readonly lastUsedAt: number | null
}

export class SshKeyReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(id: string): Promise<SshKeyRow | undefined> {
    const row = await this.db.selectFrom('sshKeys').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row)
  }

  async byFingerprint(fingerprint: string): Promise<SshKeyRow | undefined> {
    const row = await this.db
      .selectFrom('sshKeys')
      .selectAll()
      .where('fingerprint', '=', fingerprint)
      .executeTakeFirst()
    return row && parse(row)
  }

  /** Newest first; of one principal, or of all. */
  async list(principalId: string | undefined, limit: number): Promise<readonly SshKeyRow[]> {
    let query = this.db.selectFrom('sshKeys').selectAll().orderBy('createdAt', 'desc').orderBy('id', 'desc')
    if (principalId !== undefined) query = query.where('principalId', '=', principalId)
    return (await query.limit(limit).execute()).map(parse)
  }
}

export class SshKeyWriter extends SshKeyReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** @returns undefined where the key is somebody's already */
  async add(key: Omit<SshKeyRow, 'createdAt' | 'lastUsedAt'>): Promise<SshKeyRow | undefined> {
    const row = { ...key, createdAt: this.#change.nowMs, lastUsedAt: null }
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('sshKeys')
      .values(row)
      .onConflict((conflict) => conflict.column('fingerprint').doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return undefined
    const until = new Date(key.expiresAt).toISOString()
    this.#change.note(`SSH key ${key.id} (${key.fingerprint}) added for ${key.principalId} until ${until}`, {
      table: 'sshKeys',
      key: key.id,
      verb: 'created',
    })
    return row
  }

  /** What stands by it is ended elsewhere. @returns the ids of those that were there */
  async remove(by: { readonly id: string } | { readonly principalId: string }): Promise<readonly string[]> {
    const [column, value] = 'id' in by ? (['id', by.id] as const) : (['principalId', by.principalId] as const)
    const rows = await this.db
      .deleteFrom('sshKeys')
      .where(column, '=', value)
      .returning(['id', 'fingerprint', 'principalId'])
      .execute()
    for (const { id, fingerprint, principalId } of rows)
      this.#change.note(`SSH key ${id} (${fingerprint}) of ${principalId} removed`, {
        table: 'sshKeys',
        key: id,
        verb: 'ended',
      })
    return rows.map(({ id }) => id)
  }

  /** Somebody logs in by it now. */
  async used(id: string): Promise<void> {
    await this.db
      .updateTable('sshKeys')
      .set({ lastUsedAt: this.#change.nowMs })
      .where('id', '=', id)
      .execute()
  }

  /** Forgets keys that expired before `beforeMs`. @returns how many */
  async forgetOld(beforeMs: number): Promise<number> {
    const { numDeletedRows } = await this.db
      .deleteFrom('sshKeys')
      .where('expiresAt', '<', beforeMs)
      .executeTakeFirst()
    if (numDeletedRows > 0n) this.#change.note(`${numDeletedRows} old SSH keys forgotten`)
    return Number(numDeletedRows)
  }
}

function parse(row: Tables['sshKeys']): SshKeyRow {
  return { ...row, principalId: row.principalId as PrincipalId }
}
