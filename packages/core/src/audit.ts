import { hash } from 'node:crypto'

/** What an entry of the audit log is about, for machines. */
export type AuditKind = (typeof auditKinds)[number]

/** One change of the gateway itself, or one attempt: who, why, and what. Each entry carries the hash of the one before. */
export interface AuditEntry {
  /** 1, 2, 3… without gaps. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** Null in entries of gateways that did not say it yet, as are the three below. */
  readonly kind: AuditKind | null
  /** Principal id, `ACTOR for PRINCIPAL` where something acts for it, `ACTOR via ACTOR for PRINCIPAL` where one through the other; `scim:TOKEN-ID` for a connector's; `system` for the gateway's own. */
  readonly by: string
  /** Whose doing it is, or whom it is about where the gateway itself writes it down; null where nobody is known. */
  readonly principal: string | null
  /** What acts for the principal; null where it does so itself. */
  readonly actor: string | null
  /** From where; null where it came from nowhere else, or that is not known. */
  readonly address: string | null
  readonly why: string
  readonly changes: readonly string[]
  /** The hash of the entry before; 64 zeros for the first. */
  readonly previous: string
  readonly hash: string
}

/** `head` is the last entry's hash: compare it with one noted elsewhere, since the log's end could have been cut off whole. */
export type AuditVerification =
  | { readonly sound: true; readonly entries: number; readonly head: string }
  | { readonly sound: false; readonly brokenAt: number }

/**
 * SHA-256, hex, over the UTF-8 of one JSON array without spaces: a mark, then the fields in this order, `changes` as its JSON text. The
 * mark says which fields there are: entries of before have no kind.
 */
export function auditHash(entry: Omit<AuditEntry, 'hash'>): string {
  const { seq, at, kind, by, principal, actor, address, why, previous } = entry
  const changes = JSON.stringify(entry.changes)
  const fields =
    kind === null
      ? ['sallyport-audit-1', seq, at, by, why, changes, previous]
      : ['sallyport-audit-2', seq, at, kind, by, principal, actor, address, why, changes, previous]
  return hash('sha256', JSON.stringify(fields), 'hex')
}

/** Follows the chain, entry by entry, from the first, or from one that is known to be sound. */
export class AuditChain {
  #seq: number
  #head: string
  #hasKinds = false

  /** @param after the entry before the first that is taken */
  constructor(after: Pick<AuditEntry, 'seq' | 'hash'> = { seq: 0, hash: auditGenesis }) {
    this.#seq = after.seq
    this.#head = after.hash
  }

  /** The hash of the last entry that was taken. */
  get head(): string {
    return this.#head
  }

  /** How far it goes. */
  get seq(): number {
    return this.#seq
  }

  /** @returns false where it does not follow: the chain is broken at that place */
  take(entry: AuditEntry): boolean {
    const isNext = entry.seq === this.#seq + 1 && entry.previous === this.#head
    // What says less than the one before it did not come after it.
    const isOlder = entry.kind === null && this.#hasKinds
    if (!isNext || isOlder || entry.hash !== auditHash(entry)) return false
    this.#seq = entry.seq
    this.#head = entry.hash
    this.#hasKinds = entry.kind !== null
    return true
  }
}

export const auditKinds = [
  'log-in',
  'log-in-failed',
  'logout',
  'token',
  'federation-refused',
  'key',
  'key-refused',
  'certificate',
  'user',
  'scim',
  'enrolment',
  'enrolment-refused',
  'agent',
  'policy',
  'resource',
  'credential',
  'issuer',
  'webhook',
  'access-request',
  'grant',
  'review',
  'session',
  'setting',
  'report',
  'upkeep',
] as const

export const auditGenesis: string = '0'.repeat(64)
