import { Cursor, Writer } from '@sallyport/wire'
import { utf8 } from '../encoding/encoding.ts'
import { headBytes, tag } from './tags.ts'

/** What servers say, in the session's encoding. Decoders take a whole frame, tag included; encoders give one. */

const blame = 'target/malformed'

export interface Field {
  readonly name: string
  /** 0 where the column is no plain table column. */
  readonly tableOid: number
  readonly attnum: number
  readonly typeOid: number
  readonly typmod: number
  /** 0 text, 1 binary. */
  readonly format: number
}

export function decodeRowDescription(
  chunk: Buffer,
  from: number,
  to: number,
  encoding = utf8,
): readonly Field[] {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const fields: Field[] = []
  for (let left = cursor.uint16(); left > 0; left--) {
    const name = encoding.show(cursor.cstringBytes())
    const tableOid = cursor.uint32()
    const attnum = cursor.int16()
    const typeOid = cursor.uint32()
    cursor.int16() // type size
    const typmod = cursor.int32()
    const format = cursor.int16()
    fields.push({ name, tableOid, attnum, typeOid, typmod, format })
  }
  cursor.end()
  return fields
}

export function decodeCommandTag(chunk: Buffer, from: number, to: number): string {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const text = cursor.cstringBytes().toString('latin1')
  cursor.end()
  return text
}

/** Rows that a command tag counts: `INSERT 0 5`, `SELECT 3`, `COPY 7`; 0 where it counts none. */
export function rowsOf(commandTag: string): number {
  const last = commandTag.lastIndexOf(' ')
  const count = last === -1 ? Number.NaN : Number(commandTag.slice(last + 1))
  return Number.isSafeInteger(count) ? count : 0
}

export interface ParameterStatus {
  readonly name: string
  /** In the session's encoding. A view. */
  readonly value: Buffer
}

export function decodeParameterStatus(chunk: Buffer, from: number, to: number): ParameterStatus {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const name = cursor.cstringBytes().toString('latin1')
  const value = cursor.cstringBytes()
  cursor.end()
  return { name, value }
}

/** 0 text, 1 binary, overall; the columns' own formats after it. */
export function decodeCopyResponse(
  chunk: Buffer,
  from: number,
  to: number,
): { readonly format: number; readonly columns: number } {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const format = cursor.uint8()
  const columns = cursor.uint16()
  cursor.take(columns * 2)
  cursor.end()
  return { format, columns }
}

/** I idle, T in a transaction, E in a failed one. */
export function decodeReady(chunk: Buffer, from: number, to: number): 'I' | 'T' | 'E' {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const status = String.fromCharCode(cursor.uint8())
  cursor.end()
  if (status !== 'I' && status !== 'T' && status !== 'E') cursor.take(-1)
  return status as 'I' | 'T' | 'E'
}

/** The value of a FunctionCallResponse as a row with that one column, unchecked. */
export function rowOfFunctionResult(chunk: Buffer, from: number, to: number): Buffer {
  return framed(tag.dataRow, (writer) => writer.int16(1).bytes(chunk.subarray(from + headBytes, to)))
}

/** The other way round. @param row of one column */
export function functionResultOfRow(row: Buffer): Buffer {
  return framed(tag.functionResult, (writer) => writer.bytes(row.subarray(headBytes + 2)))
}

/** Process id and secret together, as a cancel request repeats them. */
export function decodeBackendKey(chunk: Buffer): Buffer {
  const cursor = new Cursor(chunk, headBytes, chunk.length, blame)
  const key = cursor.take(cursor.left)
  // Of its own, not of the pool: it lives as long as the session, and a pool's whole slab would with it.
  const own = Buffer.allocUnsafeSlow(key.length)
  own.set(key)
  return own
}

export type Authentication =
  | { readonly kind: 'ok' }
  | { readonly kind: 'cleartext' }
  | { readonly kind: 'md5'; readonly salt: Buffer }
  | { readonly kind: 'sasl'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'sasl-continue'; readonly text: string }
  | { readonly kind: 'sasl-final'; readonly text: string }
  | { readonly kind: 'other'; readonly code: number }

export function decodeAuthentication(chunk: Buffer): Authentication {
  const cursor = new Cursor(chunk, headBytes, chunk.length, blame)
  const code = cursor.int32()
  switch (code) {
    case 0:
      return { kind: 'ok' }
    case 3:
      return { kind: 'cleartext' }
    case 5:
      return { kind: 'md5', salt: Buffer.from(cursor.take(4)) }
    case 10: {
      const mechanisms: string[] = []
      for (let name = cursor.cstring(); name !== ''; name = cursor.cstring()) mechanisms.push(name)
      return { kind: 'sasl', mechanisms }
    }
    case 11:
      return { kind: 'sasl-continue', text: cursor.take(cursor.left).toString('utf8') }
    case 12:
      return { kind: 'sasl-final', text: cursor.take(cursor.left).toString('utf8') }
    default:
      return { kind: 'other', code }
  }
}

/** Error and notice fields by their letter: S V C M D H P p q W s t c d n F L R. */
export type ErrorFields = ReadonlyMap<string, string>

/** @see PostgreSQL documentation, "Error and Notice Message Fields" */
export function decodeErrorFields(
  chunk: Buffer,
  from: number,
  to: number,
  encoding = utf8,
): Map<string, string> {
  const cursor = new Cursor(chunk, from + headBytes, to, blame)
  const fields = new Map<string, string>()
  for (let letter = cursor.uint8(); letter !== 0; letter = cursor.uint8()) {
    fields.set(String.fromCharCode(letter), encoding.show(cursor.cstringBytes()))
  }
  cursor.end()
  return fields
}

export function encodeErrorFields(kind: 'error' | 'notice', fields: ErrorFields, encoding = utf8): Buffer {
  return framed(tag[kind], (writer) => {
    for (const [letter, value] of fields)
      writer.uint8(letter.charCodeAt(0)).bytes(encoding.encode(value)).uint8(0)
    return writer.uint8(0)
  })
}

export const authenticationOk: Buffer = framed(tag.authentication, (writer) => writer.int32(0))
export const askForPassword: Buffer = framed(tag.authentication, (writer) => writer.int32(3))

/** @param key process id and secret together */
export function encodeBackendKey(key: Uint8Array): Buffer {
  return framed(tag.backendKey, (writer) => writer.bytes(key))
}

/** The newest version that we speak, and the options that we do not know. */
export function encodeNegotiateVersion(version: number, unknown: readonly string[]): Buffer {
  return framed(tag.negotiateVersion, (writer) => {
    writer.int32(version).int32(unknown.length)
    for (const name of unknown) writer.cstring(name)
    return writer
  })
}

function framed(tagByte: number, body: (writer: Writer) => Writer): Buffer {
  const writer = body(new Writer().uint8(tagByte).int32(0))
  return writer.int32At(1, writer.length - 1).done()
}
