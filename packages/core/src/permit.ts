import type { OperationId } from './ids.ts'
import type { Refusal } from './refusal.ts'
import type { Watchers } from './watchers.ts'

declare const recorded: unique symbol

/** What must be done with an allow. */
export interface Obligations {
  /** Tags that this subject may not see in clear on this resource. The same set object while nothing changes. */
  readonly maskedTags: ReadonlySet<string>
  /** Who must be watching while it goes on; absent where nobody must. It was permitted with them there: see `Session.audience`. */
  readonly watchers?: Watchers
}

/**
 * Proof that an operation was decided, reviewed if asked, and recorded. Bytes leave only against one.
 * Only the enforcer mints them.
 */
export interface Permit {
  readonly kind: 'permit'
  readonly [recorded]: true
  readonly id: OperationId
  readonly obligations: Obligations
  /** When it was given, in milliseconds of {@link Clock.elapsed}. */
  readonly sinceMs: number
}

export type Authorization = Permit | Refusal

/** For the enforcer alone, after the recorder took the event. */
export function mintPermit(id: OperationId, obligations: Obligations, sinceMs: number): Permit {
  return { kind: 'permit', id, obligations, sinceMs } as Permit
}
