import type { Branded } from './brand.ts'

/** A session, time-ordered so that listings sort by it: `ses_` and 26 Crockford base-32 digits (ULID). */
export type SessionId = Branded<string, 'SessionId'>
/** An operation within its session: 1, 2, 3… */
export type OperationId = Branded<number, 'OperationId'>
export type ReviewId = Branded<string, 'ReviewId'>
/** A request for access. */
export type AccessRequestId = Branded<string, 'AccessRequestId'>
/** A message to one webhook, the same at every attempt. */
export type WebhookDeliveryId = Branded<string, 'WebhookDeliveryId'>
/** Access for a time, given by an approved request. */
export type GrantId = Branded<string, 'GrantId'>

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/**
 * A time-ordered id: prefix, 10 digits of milliseconds since 1970, 16 digits of randomness (80 bits).
 * @see https://github.com/ulid/spec
 */
export function timeOrderedId(prefix: string, nowMs: number, random: Uint8Array): string {
  let time = ''
  for (let rest = nowMs, i = 0; i < 10; i++, rest = Math.floor(rest / 32))
    time = crockford.charAt(rest % 32) + time
  let tail = ''
  for (let i = 0; i < 16; i++) tail += crockford.charAt((random[i] ?? 0) % 32)
  return `${prefix}_${time}${tail}`
}

/** When a time-ordered id was made, in milliseconds since 1970; undefined for what is none. */
export function timeOfId(id: string): number | undefined {
  const digits = /^[a-z]+_([0-9A-HJKMNP-TV-Z]{10})[0-9A-HJKMNP-TV-Z]{16}$/.exec(id)?.[1]
  if (digits === undefined) return undefined
  let time = 0
  for (let at = 0; at < digits.length; at++) time = time * 32 + crockford.indexOf(digits.charAt(at))
  return time
}

export function sessionId(nowMs: number, random: Uint8Array): SessionId {
  return timeOrderedId('ses', nowMs, random) as SessionId
}

export function reviewId(nowMs: number, random: Uint8Array): ReviewId {
  return timeOrderedId('rev', nowMs, random) as ReviewId
}

export function accessRequestId(nowMs: number, random: Uint8Array): AccessRequestId {
  return timeOrderedId('req', nowMs, random) as AccessRequestId
}

export function grantId(nowMs: number, random: Uint8Array): GrantId {
  return timeOrderedId('grt', nowMs, random) as GrantId
}

export function webhookDeliveryId(nowMs: number, random: Uint8Array): WebhookDeliveryId {
  return timeOrderedId('whd', nowMs, random) as WebhookDeliveryId
}
