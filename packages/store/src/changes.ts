import type { Kysely } from 'kysely'
import type { AuditKind } from '@sallyport/core'
import type { Tables } from './schema.ts'

/** What a committed write did to one thing: enough to know what to look at again. */
export interface StoreChange {
  readonly table: Exclude<
    keyof Tables,
    'audit' | 'auditReceivers' | 'leases' | 'answers' | 'reviewMoves' | 'accessAnswers' | 'accessRequestMoves'
  >
  /** The thing's own id or name; of a policy set its version. */
  readonly key: string
  /** `ended`: deleted, revoked, disabled or used up. */
  readonly verb: 'created' | 'changed' | 'ended'
}

/** What an audit entry is about, for machines. */
export interface AuditAbout {
  readonly kind?: AuditKind
  /** Whom it is about, where the gateway itself writes it down. */
  readonly principal?: string
  /** From where. */
  readonly address?: string | undefined
}

/** What writers work in: one transaction at one moment. */
export interface Change {
  readonly db: Kysely<Tables>
  /** Milliseconds since 1970; the same throughout the transaction, and in its audit entry. */
  readonly nowMs: number
  /** One line for the audit entry, and what to tell subscribers once it is committed. No secrets. */
  note(what: string, changed?: StoreChange): void
  /** Says what the entry is about, where that is more than what it changes. What is said first stays. */
  about(about: AuditAbout): void
  /** The same, of what no audit entry is made. */
  changed(one: StoreChange): void
}
