import { Fault, type AuthorizationServer } from '@sallyport/core'
import { Cursor, Writer } from '@sallyport/wire'
import { headBytes, tag } from './tags.ts'

/**
 * SASL with OAUTHBEARER, the server's side: RFC 7628, in PostgreSQL's messages. It says what PostgreSQL 18 says, and refuses what that
 * refuses.
 * @see PostgreSQL source, auth-oauth.c and auth-sasl.c
 */

const blame = 'client/malformed'
const mechanism = 'OAUTHBEARER'
/** A token of 8192 characters, and what goes with it. */
export const maxSaslBytes = 16_384

/** AuthenticationSASL: this mechanism and no other. */
export const offerBearer: Buffer = authentication(10, (writer) => writer.cstring(mechanism).uint8(0))

/** AuthenticationSASLContinue with nothing in it, for a client that chose the mechanism and has said nothing else. */
export const goOn: Buffer = authentication(11, (writer) => writer)

/**
 * AuthenticationSASLContinue that says that there was no token, or no good one. RFC 7628 section 3.2.2
 * @param where the client may get one, for one that is to be told
 */
export function encodeInvalidToken(where?: AuthorizationServer): Buffer {
  const said = {
    status: 'invalid_token',
    ...(where !== undefined && { 'openid-configuration': where.metadataUrl }),
  }
  return authentication(11, (writer) => writer.bytes(Buffer.from(JSON.stringify(said))))
}

/**
 * What goes with the choice of the mechanism; undefined where nothing does.
 * @param frame a whole SASLInitialResponse
 * @throws Fault client/malformed, client/too-large
 */
export function decodeSaslInitial(frame: Buffer): Buffer | undefined {
  const cursor = saslBody(frame)
  if (cursor.cstring() !== mechanism)
    throw new Fault(blame, 'the client chose a SASL mechanism that was not offered')
  const length = cursor.int32()
  if (length === -1) {
    cursor.end()
    return undefined
  }
  if (length < 0) throw malformed('its length is negative')
  const message = cursor.take(length)
  cursor.end()
  return message
}

/** @param frame a whole SASLResponse. @throws Fault client/too-large */
export function decodeSaslResponse(frame: Buffer): Buffer {
  const cursor = saslBody(frame)
  return cursor.take(frame.length - headBytes)
}

/**
 * The token that a client's first message shows: empty where it shows something that is none, undefined where it asks for one
 * (RFC 7628 section 4.3).
 * @throws Fault client/malformed, client/unsupported
 */
export function readBearer(message: Buffer): string | undefined {
  const text = message.toString('latin1')
  const auth = authOf(pairsOf(afterHeader(text)))
  if (auth === '') return undefined
  // RFC 6750 section 2.1; the scheme in either case, RFC 7628 section 4.
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(auth)?.[1] ?? ''
}

/** A client that was told of an error has one thing to say: a separator. RFC 7628 section 3.2.3. @throws Fault client/malformed */
export function checkAcknowledged(message: Buffer): void {
  if (message.length !== 1 || message[0] !== separator.charCodeAt(0))
    throw malformed('an error is answered by a separator and nothing else')
}

/** Past `gs2-header kvsep`. RFC 5801 section 4: no channel binding, and nobody whom the client would rather be. */
function afterHeader(text: string): string {
  const [, flag, authorization, rest] = /^([^,]*),([^,]*),(.*)$/s.exec(text) ?? []
  if (flag === undefined || authorization === undefined || rest === undefined)
    throw malformed('it does not begin with a GS2 header')
  if (flag.startsWith('p')) throw malformed('there is no channel binding for OAUTHBEARER')
  if (flag !== 'n' && flag !== 'y') throw malformed('its channel-binding flag is unknown')
  if (authorization.startsWith('a'))
    throw new Fault('client/unsupported', 'an authorization identity is not supported')
  if (authorization !== '') throw malformed('its GS2 header has an unknown attribute')
  if (!rest.startsWith(separator)) throw malformed('a separator is missing behind its GS2 header')
  return rest.slice(1)
}

/** `*(key "=" value kvsep) kvsep`, and nothing behind it. */
function pairsOf(text: string): readonly (readonly [key: string, value: string])[] {
  if (text !== separator && !text.endsWith(separator + separator))
    throw malformed('its last separator is missing')
  const pairs = text.slice(0, -1).split(separator).slice(0, -1)
  return pairs.map((pair) => {
    const [, key, value] = /^([A-Za-z]+)=([\x21-\x7e \t\r\n]*)$/.exec(pair) ?? []
    if (key === undefined || value === undefined) throw malformed('it has a key or a value that is none')
    return [key, value]
  })
}

/** What is not known must be ignored: RFC 7628 section 3.1. */
function authOf(pairs: readonly (readonly [key: string, value: string])[]): string {
  const [first, ...more] = pairs.filter(([key]) => key === 'auth')
  if (first === undefined) throw malformed('it has no auth')
  if (more.length > 0) throw malformed('it has auth twice')
  return first[1]
}

function saslBody(frame: Buffer): Cursor {
  if (frame.length - headBytes > maxSaslBytes)
    throw new Fault('client/too-large', `a SASL message has at most ${maxSaslBytes} bytes`)
  return new Cursor(frame, headBytes, frame.length, blame)
}

/** Never with a word of the message: there may be a token in it. */
function malformed(why: string): Fault {
  return new Fault(blame, `malformed OAUTHBEARER message: ${why}`)
}

function authentication(kind: number, body: (writer: Writer) => Writer): Buffer {
  const writer = body(new Writer().uint8(tag.authentication).int32(0).int32(kind))
  return writer.int32At(1, writer.length - 1).done()
}

const separator = '\x01'
