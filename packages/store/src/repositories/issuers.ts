import type { Kysely } from 'kysely'
import type { Issuer } from '@sallyport/core'
import type { Change } from '../changes.ts'
import type { Tables } from '../schema.ts'
import { revokeDelegated } from './tokens.ts'

/** A workload as the rule that says who it is declares it. */
export interface DeclaredWorkload {
  readonly name: string
  readonly groups: readonly string[]
}

export class IssuerReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** By name. */
  async list(): Promise<readonly Issuer[]> {
    const rows = await this.db.selectFrom('issuers').select('document').orderBy('name').execute()
    return rows.map((row) => parse(row.document))
  }

  async get(name: string): Promise<Issuer | undefined> {
    const row = await this.db
      .selectFrom('issuers')
      .select('document')
      .where('name', '=', name)
      .executeTakeFirst()
    return row && parse(row.document)
  }

  /** Of all issuers' rules the one that makes somebody this workload: there is one at most. */
  async workload(name: string): Promise<DeclaredWorkload | undefined> {
    for (const { rules } of await this.list())
      for (const { is, groups } of rules) if (is !== 'person' && is.workload === name) return { name, groups }
    return undefined
  }
}

export class IssuerWriter extends IssuerReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** Declares it anew or in place of what was there. Whoever came by what was there has to show a token again. */
  async put(issuer: Issuer): Promise<void> {
    const { name } = issuer
    const row = { document: JSON.stringify(issuer), updatedAt: this.#change.nowMs }
    const verb = (await this.get(name)) === undefined ? 'created' : 'changed'
    await this.db
      .insertInto('issuers')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute()
    const rules = issuer.rules.map((rule) => rule.name).join(', ')
    this.#change.note(`issuer ${name} declared: tokens of ${issuer.issuer}, by the rules ${rules}`, {
      table: 'issuers',
      key: name,
      verb,
    })
    await this.#forget(name)
  }

  async delete(name: string): Promise<boolean> {
    const { numDeletedRows } = await this.db.deleteFrom('issuers').where('name', '=', name).executeTakeFirst()
    if (numDeletedRows === 0n) return false
    this.#change.note(`issuer ${name} deleted`, { table: 'issuers', key: name, verb: 'ended' })
    await this.#forget(name)
    return true
  }

  /** What lives by its tokens. What was revoked stays so. */
  async #forget(issuer: string): Promise<void> {
    const rows = await this.db
      .deleteFrom('tokens')
      .where('issuer', '=', issuer)
      .where('revokedAt', 'is', null)
      .where('expiresAt', '>', this.#change.nowMs)
      .returning('id')
      .execute()
    for (const { id } of rows)
      this.#change.note(`token ${id} ended with what issuer ${issuer} was`, {
        table: 'tokens',
        key: id,
        verb: 'ended',
      })
    await revokeDelegated(
      this.#change,
      rows.map(({ id }) => id),
    )
  }
}

/** Older gateways knew nothing of actors. */
function parse(document: string): Issuer {
  return { actors: 'refused', ...(JSON.parse(document) as Omit<Issuer, 'actors'> & Partial<Issuer>) }
}
