import { hash, sign, verify, type KeyObject } from 'node:crypto'
import type { SessionId } from '@sallyport/core'
import type { ChainState } from './chain.ts'
import { format, parseObject } from './event-line.ts'

/** How a recording ended: by its own close, or by a gateway that died or could not record any more. */
export type SealState = 'closed' | 'interrupted'

/**
 * What the gateway signs of a finished recording. The same two lines, seal and signature, end the recording and stand in
 * the gateway's seal log, where `previous` chains them: a recording that was removed leaves its seal behind.
 */
export interface Seal {
  readonly session: SessionId
  readonly state: SealState
  readonly events: number
  /** Hash of the recording's last line before the seal. */
  readonly head: string
  readonly at: number
  /** Its place in the seal log: 1, 2, 3… */
  readonly number: number
  /** Hash of the seal line before it in the seal log; empty for the first. */
  readonly previous: string
  /** Which key signed it: see {@link keyId}. */
  readonly key: string
}

export interface SealedLines {
  readonly seal: string
  readonly signature: string
}

export function sealLines(
  chain: ChainState,
  more: Pick<Seal, 'state' | 'at' | 'number' | 'previous' | 'key'>,
  signingKey: KeyObject,
): SealedLines {
  const seal = JSON.stringify({
    seal: format,
    session: chain.session,
    state: more.state,
    events: chain.events,
    head: chain.head,
    at: more.at,
    number: more.number,
    previous: more.previous,
    key: more.key,
  })
  return { seal, signature: signatureLineOf(sign(null, Buffer.from(seal), signingKey)) }
}

function signatureLineOf(signature: Buffer): string {
  return JSON.stringify({ signature: signature.toString('base64url') })
}

/** Does this line claim to be a seal? */
export function isSealLine(text: string): boolean {
  return text.startsWith('{"seal":')
}

/** The seal, where the signature line signs exactly the bytes of the seal line with this key. */
export function openSeal(
  sealLine: Uint8Array,
  signatureLine: string,
  publicKey: KeyObject,
): Seal | undefined {
  const text = parseObject(signatureLine)?.['signature']
  if (typeof text !== 'string') return undefined
  const signature = Buffer.from(text, 'base64url')
  // base64url has spare bits: only the one spelling that we write is ours.
  if (signatureLineOf(signature) !== signatureLine) return undefined
  if (!verify(null, sealLine, publicKey, signature)) return undefined
  return readSeal(Buffer.from(sealLine).toString())
}

/** A seal's fields, whoever signed it. */
export function readSeal(line: string): Seal | undefined {
  const parsed = parseObject(line)
  if (parsed?.['seal'] !== format || (parsed['state'] !== 'closed' && parsed['state'] !== 'interrupted'))
    return undefined
  const isWhole =
    texts.every((name) => typeof parsed[name] === 'string') &&
    numbers.every((name) => typeof parsed[name] === 'number')
  return isWhole ? (parsed as unknown as Seal) : undefined
}

const texts = ['session', 'head', 'previous', 'key']
const numbers = ['events', 'at', 'number']

/** The first 16 hexadecimal digits of the SHA-256 of the key's SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7). */
export function keyId(publicKey: KeyObject): string {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'hex').slice(0, 16)
}
