import { Fault, type FaultCode, type Refusal, type RefusalCode } from '@sallyport/core'
import { encodeErrorFields } from './codec/backend.ts'
import { utf8, type Encoding } from './encoding/encoding.ts'

/**
 * Every code's SQLSTATE. Total, so that a new code does not compile until PostgreSQL clients have words for it.
 * @see PostgreSQL documentation, "PostgreSQL Error Codes"
 */
const sqlstates: Readonly<Record<RefusalCode | FaultCode, string>> = {
  'invalid-credential': '28P01',
  'no-such-access': '28000',
  'not-granted': '28000',
  throttled: '53300',
  denied: '42501',
  'masked-column': '42501',
  unparsed: '42601',
  'too-complex': '54001',
  unsupported: '0A000',
  'review-denied': '42501',
  'review-expired': '57014',
  'step-up': '42501',
  'not-watched': '57014',
  'review-withdrawn': '57014',
  'review-stale': '42501',
  'session-killed': '57P01',
  'access-revoked': '57P01',
  'access-expired': '57P01',
  'client/malformed': '08P01',
  'client/out-of-order': '08P01',
  'client/too-large': '54000',
  'client/too-slow': '08006',
  'client/tls-required': '28000',
  'client/unsupported': '0A000',
  'client/gone': '08006',
  'target/unreachable': '08001',
  'target/bad-certificate': '08001',
  'target/bad-host-key': '08001',
  'target/login-failed': '08004',
  'target/malformed': '08P01',
  'target/too-slow': '08001',
  'target/closed': '08006',
  'gateway/no-agent': '08001',
  'gateway/agent-refused': '08004',
  'gateway/agent-lost': '08006',
  'gateway/no-credential': '08004',
  'gateway/credential-lost': '57P01',
  'gateway/cannot-record': '58030',
  'gateway/store-unavailable': '58030',
  'gateway/overloaded': '53300',
  'gateway/draining': '57P01',
  'gateway/internal': 'XX000',
}

/**
 * A refusal or fault as an ErrorResponse.
 * @param severity `ERROR` where the session goes on, `FATAL` where it ends
 * @param session named in the hint, so that a report can be traced
 */
export function wordError(
  severity: 'ERROR' | 'FATAL',
  cause: Refusal | Fault,
  session?: string,
  encoding = utf8,
): Buffer {
  return worded(severity, cause, sqlstates[cause.code], session, encoding)
}

/** That a log-in by OAUTHBEARER has failed, as PostgreSQL has it: where no password was asked for, none was wrong. */
export function wordBearerRefused(refused: Refusal): Buffer {
  return worded('FATAL', refused, '28000', undefined, utf8)
}

function worded(
  severity: 'ERROR' | 'FATAL',
  cause: Refusal | Fault,
  sqlstate: string,
  session: string | undefined,
  encoding: Encoding,
): Buffer {
  const isFault = cause instanceof Fault
  const fields = new Map([
    ['S', severity],
    ['V', severity],
    ['C', sqlstate],
    ['M', `sallyport: ${isFault ? cause.shown : cause.reason}`],
  ])
  if (!isFault && cause.next !== undefined) fields.set('H', cause.next)
  const trace = session === undefined ? `code ${cause.code}` : `code ${cause.code}, session ${session}`
  fields.set('D', trace)
  return encodeErrorFields('error', fields, encoding)
}

export function wordNotice(text: string, encoding = utf8): Buffer {
  return encodeErrorFields(
    'notice',
    new Map([
      ['S', 'NOTICE'],
      ['V', 'NOTICE'],
      ['C', '00000'],
      ['M', `sallyport: ${text}`],
    ]),
    encoding,
  )
}
