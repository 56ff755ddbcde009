import type { Kysely } from 'kysely'
import type { Tables } from './schema.ts'

/** What a committed write did to one thing: enough to know what to look at again. */
export interface StoreChange {
  readonly table: Exclude<
    keyof Tables,
    'audit' | 'leases' | 'answers' | 'reviewMoves' | 'accessAnswers' | 'accessRequestMoves'
  >
  /** The thing's own id or name; of a policy set its version. */
  readonly key: string
  /** `ended`: deleted, revoked, disabled or used up. */
  readonly verb: 'created' | 'changed' | 'ended'
}

/** What writers work in: one transaction at one moment. */
export interface Change {
  readonly db: Kysely<Tables>
  /** Milliseconds since 1970; the same throughout the transaction, and in its audit entry. */
  readonly nowMs: number
  /** One line for the audit entry, and what to tell subscribers once it is committed. No secrets. */
  note(what: string, changed?: StoreChange): void
  /** The same, of what no audit entry is made. */
  changed(one: StoreChange): void
}
