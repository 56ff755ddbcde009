import { Fault } from '@sallyport/core'
import { Cursor, Writer } from '@sallyport/wire'

/**
 * The untagged messages that open a connection.
 * @see PostgreSQL documentation, "Start-up" and "SSL Session Encryption"
 */
export type Opening =
  | { readonly kind: 'ssl-request' }
  | { readonly kind: 'gss-request' }
  | { readonly kind: 'cancel'; readonly key: Buffer }
  | {
      readonly kind: 'startup'
      readonly major: number
      readonly minor: number
      readonly parameters: ReadonlyMap<string, string>
    }

/** As the server's own MAX_STARTUP_PACKET_LENGTH. */
const openingBytes = 10_000

const cancelCode = 80877102
const sslCode = 80877103
const gssCode = 80877104

/** Checks an opening's length word. @throws Fault client/malformed or client/too-large */
export function openingLength(head: Buffer): number {
  const length = head.readInt32BE(0)
  if (length > openingBytes)
    throw new Fault(
      'client/too-large',
      `startup packet of ${length} bytes exceeds the limit of ${openingBytes}`,
    )
  if (length < 8) throw new Fault('client/malformed', 'invalid length of startup packet')
  return length
}

/** @param body what follows the length word */
export function decodeOpening(body: Buffer): Opening {
  const cursor = new Cursor(body, 0, body.length, 'client/malformed')
  const code = cursor.int32()
  switch (code) {
    case sslCode:
      cursor.end()
      return { kind: 'ssl-request' }
    case gssCode:
      cursor.end()
      return { kind: 'gss-request' }
    case cancelCode:
      // Process id, then a secret of 4 bytes (3.0) or up to 256 (3.2).
      if (cursor.left < 8 || cursor.left > 260)
        throw new Fault('client/malformed', 'invalid length of cancel request')
      return { kind: 'cancel', key: Buffer.from(cursor.take(cursor.left)) }
    default:
      return {
        kind: 'startup',
        major: code >> 16,
        minor: code & 0xffff,
        parameters: decodeParameters(cursor),
      }
  }
}

function decodeParameters(cursor: Cursor): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (;;) {
    const name = cursor.cstring()
    if (name === '') break
    if (parameters.has(name))
      throw new Fault('client/malformed', `startup parameter "${printable(name)}" is given twice`)
    parameters.set(name, cursor.cstring())
  }
  cursor.end()
  return parameters
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 63)
}

export const sslRequest: Buffer = new Writer(8).int32(8).int32(sslCode).done()

export function encodeStartup(parameters: Readonly<Record<string, string>>): Buffer {
  const writer = new Writer(256).int32(0).int32(3 << 16)
  for (const [name, value] of Object.entries(parameters)) writer.cstring(name).cstring(value)
  writer.uint8(0)
  return writer.int32At(0, writer.length).done()
}

/** @param key process id and secret, as BackendKeyData gave them */
export function encodeCancel(key: Uint8Array): Buffer {
  return new Writer(16 + key.length)
    .int32(8 + key.length)
    .int32(cancelCode)
    .bytes(key)
    .done()
}
