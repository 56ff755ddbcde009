import { isAscii, isUtf8 } from 'node:buffer'
import { Fault } from '@sallyport/core'
import { Cursor, Writer } from '@sallyport/wire'
import { ClientEncoding } from '../client-encoding.ts'
import { headBytes, tag } from './tags.ts'

/** What clients say. Decoders take a whole frame, tag included; encoders give one. Names are in the session's encoding. */

const blame = 'client/malformed'

const plain = new ClientEncoding('UTF8', 'UTF8')

/** The server tells names apart by so many bytes. @see PostgreSQL source, NAMEDATALEN */
const nameBytes = 63

/** The name of a statement or portal as the server knows it. @throws Fault where that cannot be told */
function serverName(cursor: Cursor, encoding: ClientEncoding): string {
  const bytes = cursor.cstringBytes()
  const text = encoding.decode(bytes)
  if (text === undefined)
    throw new Fault(blame, `malformed protocol message: invalid ${encoding.current.name}`)
  const isSame = encoding.isUtf8Throughout
  if (bytes.length <= nameBytes && (isSame || Buffer.byteLength(text) <= nameBytes)) return text
  const known = bytes.subarray(0, nameBytes)
  if (isAscii(bytes) || (isSame && isUtf8(known))) return known.toString('utf8')
  throw new Fault(
    'client/unsupported',
    `a name of more than ${nameBytes} bytes that is cut where we cannot tell`,
  )
}

export interface Parse {
  readonly name: string
  /** The very bytes of the statement, without the NUL. A view. */
  readonly text: Buffer
  readonly typeIds: readonly number[]
}

export function decodeQuery(chunk: Buffer, from: number, to: number): Buffer {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const text = cursor.cstringBytes()
  cursor.end()
  return text
}

export function encodeQuery(text: string): Buffer {
  return framed(tag.query, (writer) => writer.cstring(text))
}

export function decodeParse(chunk: Buffer, from: number, to: number, encoding = plain): Parse {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const name = serverName(cursor, encoding)
  const text = cursor.cstringBytes()
  const typeIds: number[] = []
  for (let left = cursor.uint16(); left > 0; left--) typeIds.push(cursor.uint32())
  cursor.end()
  return { name, text, typeIds }
}

export interface Bind {
  readonly portal: string
  readonly statement: string
  /** Text where its format is 0, the raw bytes where it is 1, NULL. Bytes are views. */
  readonly parameters: readonly (string | Buffer | null)[]
  readonly resultFormats: readonly number[]
}

/** @see PostgreSQL documentation, "Bind (F)" */
export function decodeBind(chunk: Buffer, from: number, to: number, encoding = plain): Bind {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const portal = serverName(cursor, encoding)
  const statement = serverName(cursor, encoding)
  const parameters = decodeParameters(cursor, encoding)
  const resultFormats: number[] = []
  for (let left = cursor.uint16(); left > 0; left--) resultFormats.push(cursor.int16())
  cursor.end()
  return { portal, statement, parameters, resultFormats }
}

/** Their formats, none, one for all, or one for each; then the values themselves. */
function decodeParameters(cursor: Cursor, encoding: ClientEncoding): (string | Buffer | null)[] {
  const formats: number[] = []
  for (let left = cursor.uint16(); left > 0; left--) formats.push(cursor.int16())
  const count = cursor.uint16()
  const parameters: (string | Buffer | null)[] = []
  for (let i = 0; i < count; i++) {
    const length = cursor.int32()
    if (length === -1) {
      parameters.push(null)
      continue
    }
    const bytes = cursor.take(length)
    const format = formats.length === 1 ? formats[0] : formats[i]
    parameters.push(format === 1 ? bytes : encoding.show(bytes))
  }
  return parameters
}

export function encodeParse(text: string, typeIds: readonly number[]): Buffer {
  return framed(tag.parse, (writer) => {
    writer
      .cstring('')
      .cstring(text)
      .int16((typeIds.length << 16) >> 16)
    for (const typeId of typeIds) writer.int32(typeId | 0)
    return writer
  })
}

/** To the unnamed statement and portal, for results as text. */
export function encodeBind(parameters: readonly (string | Uint8Array | null)[]): Buffer {
  // Counted without a sign: up to 65535.
  const count = (parameters.length << 16) >> 16
  return framed(tag.bind, (writer) => {
    writer.cstring('').cstring('').int16(count)
    for (const value of parameters) writer.int16(value === null || typeof value === 'string' ? 0 : 1)
    writer.int16(count)
    for (const value of parameters) {
      if (value === null) writer.int32(-1)
      else {
        const bytes = typeof value === 'string' ? Buffer.from(value) : value
        writer.int32(bytes.length).bytes(bytes)
      }
    }
    return writer.int16(0)
  })
}

/** A Bind without parameters, to a statement that does not exist: the server must refuse it. */
export function encodeBareBind(portal: string, statement: string, encoding = plain): Buffer {
  return framed(tag.bind, (writer) =>
    writer.bytes(encoding.current.encode(portal)).uint8(0).cstring(statement).int16(0).int16(0).int16(0),
  )
}

export interface Named {
  readonly of: 'statement' | 'portal'
  readonly name: string
}

/** Describe and Close share one form. */
export function decodeNamed(chunk: Buffer, from: number, to: number, encoding = plain): Named {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const kind = cursor.uint8()
  const name = serverName(cursor, encoding)
  cursor.end()
  return { of: kind === 0x50 ? 'portal' : kind === 0x53 ? 'statement' : refuseKind(cursor), name }
}

function refuseKind(cursor: Cursor): never {
  cursor.take(-1)
  throw new TypeError('unreachable')
}

export function encodeDescribePortal(name: string, encoding = plain): Buffer {
  return framed(tag.describe, (writer) => writer.uint8(0x50).bytes(encoding.current.encode(name)).uint8(0))
}

export interface Execute {
  readonly portal: string
  /** 0: all. */
  readonly maxRows: number
}

export function decodeExecute(chunk: Buffer, from: number, to: number, encoding = plain): Execute {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const portal = serverName(cursor, encoding)
  const maxRows = cursor.int32()
  cursor.end()
  return { portal, maxRows }
}

export function encodeExecute(portal: string, maxRows: number, encoding = plain): Buffer {
  return framed(tag.execute, (writer) =>
    writer.bytes(encoding.current.encode(portal)).uint8(0).int32(maxRows),
  )
}

export interface FunctionCall {
  readonly oid: number
  /** As those of a {@link Bind}. */
  readonly parameters: readonly (string | Buffer | null)[]
  readonly resultFormat: number
}

/** @see PostgreSQL documentation, "FunctionCall (F)" */
export function decodeFunctionCall(chunk: Buffer, from: number, to: number, encoding = plain): FunctionCall {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const oid = cursor.uint32()
  const parameters = decodeParameters(cursor, encoding)
  const resultFormat = cursor.int16()
  cursor.end()
  return { oid, parameters, resultFormat }
}

/** A call of function 0, which no server has. */
export const callOfNoFunction: Buffer = framed(tag.functionCall, (writer) =>
  writer.int32(0).int16(0).int16(0).int16(0),
)

export const closeUnnamed: Buffer = framed(tag.close, (writer) => writer.uint8(0x53).cstring(''))

export const flush: Buffer = framed(tag.flush, (writer) => writer)

export const sync: Buffer = framed(tag.sync, (writer) => writer)

export const terminate: Buffer = framed(tag.terminate, (writer) => writer)

export function encodePassword(password: string): Buffer {
  return framed(tag.password, (writer) => writer.cstring(password))
}

export function decodePassword(chunk: Buffer): string {
  const cursor = new Cursor(chunk, headBytes, chunk.length, blame)
  const password = cursor.cstring()
  cursor.end()
  return password
}

export function encodeSaslInitial(mechanism: string, first: string): Buffer {
  const bytes = Buffer.from(first)
  return framed(tag.password, (writer) => writer.cstring(mechanism).int32(bytes.length).bytes(bytes))
}

export function encodeSaslResponse(text: string): Buffer {
  return framed(tag.password, (writer) => writer.bytes(Buffer.from(text)))
}

function framed(tagByte: number, body: (writer: Writer) => Writer): Buffer {
  const writer = body(new Writer().uint8(tagByte).int32(0))
  return writer.int32At(1, writer.length - 1).done()
}
