/**
 * Why the gateway said no. A closed union: each protocol has words for each code.
 *
 * - `invalid-credential` unknown, expired, revoked or malformed: never says which
 * - `no-such-access` the resource does not exist or may not be reached: never says which
 * - `not-granted` it may be reached while a grant lasts, and there is none
 * - `throttled` too many failed log-ins from this source
 * - `denied` policy forbids this operation, or permits none of it
 * - `masked-column` it computes with a column that is masked for this subject
 * - `unparsed` it could not be parsed as the target would parse it
 * - `too-complex` a limit on size or depth, named in the reason
 * - `unsupported` a feature that cannot be enforced, and so is not offered
 * - `review-denied` `review-expired` `review-withdrawn` how a review ended
 * - `review-stale` what was approved is no longer what would run
 * - `step-up` it needs another sign-in of the same person: see what to do next
 * - `not-watched` nobody came to watch, or came back, whom policy asks to
 * - `session-killed` `access-revoked` `access-expired` why a live session was ended: by somebody, by a change, by its time
 */
export type RefusalCode =
  | 'invalid-credential'
  | 'no-such-access'
  | 'not-granted'
  | 'throttled'
  | 'denied'
  | 'masked-column'
  | 'unparsed'
  | 'too-complex'
  | 'unsupported'
  | 'review-denied'
  | 'review-expired'
  | 'review-withdrawn'
  | 'review-stale'
  | 'step-up'
  | 'not-watched'
  | 'session-killed'
  | 'access-revoked'
  | 'access-expired'

/** We said no: a value, all of it safe to show to the client. */
export interface Refusal {
  readonly kind: 'refusal'
  readonly code: RefusalCode
  /** One line. */
  readonly reason: string
  /** What to do next. */
  readonly next?: string
}

export function refusal(code: RefusalCode, reason: string, next?: string): Refusal {
  return next === undefined ? { kind: 'refusal', code, reason } : { kind: 'refusal', code, reason, next }
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'refusal'
}
