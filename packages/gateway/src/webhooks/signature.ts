import { createHmac } from 'node:crypto'
import type { Secret } from '@sallyport/core'

/**
 * What a receiver checks: HMAC-SHA-256 over `TIMESTAMP.BODY`, in hex, after the scheme's name.
 * @param timestamp of this attempt, in seconds since 1970: what is old was sent by somebody who listened
 */
export function signatureOf(secret: Secret, timestamp: number, body: string): string {
  return `v1=${createHmac('sha256', secret.reveal()).update(`${timestamp}.${body}`).digest('hex')}`
}
