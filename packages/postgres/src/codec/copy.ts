import { Fault } from '@sallyport/core'

/** A row that is longer cannot be masked, and so not be shown. */
const maxCopyRowBytes = 64 * 1024 * 1024

/**
 * The fields of one row of COPY, as offsets. hot path: the same object serves row after row.
 * @see PostgreSQL documentation, "COPY", File Formats
 */
export class CopyFields {
  readonly #bounds: number[] = []
  #count = 0
  /** Some byte of the row may not be itself: only set for rows of text. */
  hasEscapes = false

  get count(): number {
    return this.#count
  }

  from(field: number): number {
    return this.#bounds[2 * field]!
  }

  to(field: number): number {
    return this.#bounds[2 * field + 1]!
  }

  clear(): void {
    this.#count = 0
    this.hasEscapes = false
  }

  add(from: number, to: number): void {
    const at = 2 * this.#count++
    this.#bounds[at] = from
    this.#bounds[at + 1] = to
  }
}

/**
 * Finds the fields of the row that begins at `from`.
 * @returns the offset behind the row, or -1 where it is not all there before `to`
 */
export type ScanRow = (bytes: Buffer, from: number, to: number, fields: CopyFields) => number

export function checkRowLength(length: number): void {
  if (length <= maxCopyRowBytes) return
  throw new Fault('client/unsupported', `a COPY row of more than ${maxCopyRowBytes} bytes cannot be masked`)
}

// — text —

/** A row ends at a newline: those inside values are written as `\n`. */
export class TextScanner {
  readonly #delimiter: number
  /** By byte: whether it is more than itself. hot path: no guess that goes wrong with the letters and digits of a value. */
  readonly #isMark = new Uint8Array(256)

  constructor(delimiter: number) {
    this.#delimiter = delimiter
    for (const mark of [delimiter, newline, backslash]) this.#isMark[mark] = 1
  }

  /** As a {@link ScanRow}. hot path: one pass, four bytes a step where they are only themselves. */
  scan(bytes: Buffer, from: number, to: number, fields: CopyFields): number {
    const isMark = this.#isMark
    const delimiter = this.#delimiter
    fields.clear()
    let field = from
    for (let at = from; at < to; at++) {
      while (
        at < to - 3 &&
        (isMark[bytes[at]!]! |
          isMark[bytes[at + 1]!]! |
          isMark[bytes[at + 2]!]! |
          isMark[bytes[at + 3]!]!) ===
          0
      )
        at += 4
      while (at < to && isMark[bytes[at]!] === 0) at++
      if (at === to) return -1
      const byte = bytes[at]!
      if (byte === delimiter) {
        fields.add(field, at)
        field = at + 1
      } else if (byte === newline) {
        fields.add(field, at)
        return at + 1
      } else {
        fields.hasEscapes = true
        if (bytes[at + 1] !== newline) at++
      }
    }
    return -1
  }
}

const newline = 0x0a
const backslash = 0x5c

const unescaped: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The value's own bytes. Servers write no byte by its number, but clients would read it. */
export function decodeTextField(field: Buffer): Buffer {
  const decoded = field
    .toString('latin1')
    .replace(
      /\\(?:x([\dA-Fa-f]{1,2})|([0-7]{1,3})|([^]))/g,
      (_, hex?: string, octal?: string, symbol = '') => {
        if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
        if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff)
        return unescaped[symbol] ?? symbol
      },
    )
  return Buffer.from(decoded, 'latin1')
}

const escaped: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

export function encodeTextField(value: Buffer, delimiter: number): Buffer {
  if (!needsEscape(value, delimiter)) return value
  const mark = String.fromCharCode(delimiter)
  // oxlint-disable-next-line no-control-regex -- the control characters are the ones that COPY escapes
  const safe = value.toString('utf8').replace(/[\b\f\n\r\t\v\\]/g, (symbol) => escaped[symbol]!)
  return Buffer.from(mark === '\t' ? safe : safe.replaceAll(mark, `\\${mark}`))
}

function needsEscape(value: Buffer, delimiter: number): boolean {
  for (let at = 0; at < value.length; at++) {
    const byte = value[at]!
    if (byte === 0x5c || byte === delimiter || (byte >= 0x08 && byte <= 0x0d)) return true
  }
  return false
}

// — CSV —

export interface CsvForm {
  readonly delimiter: number
  readonly quote: number
  readonly escape: number
}

/** A row ends at a newline outside quotes. */
export function scanCsvRow(
  bytes: Buffer,
  from: number,
  to: number,
  form: CsvForm,
  fields: CopyFields,
): number {
  fields.clear()
  let field = from
  let isQuoted = false
  for (let at = from; at < to; at++) {
    const byte = bytes[at]
    if (isQuoted && byte === form.escape && form.escape !== form.quote) {
      if (at + 1 === to) return -1
      if (bytes[at + 1] === form.quote || bytes[at + 1] === form.escape) at++
    } else if (byte === form.quote) isQuoted = !isQuoted
    else if (byte === form.delimiter && !isQuoted) {
      fields.add(field, at)
      field = at + 1
    } else if (byte === 0x0a && !isQuoted) {
      fields.add(field, at)
      return at + 1
    }
  }
  return -1
}

/** The value of a field in quotes. */
export function decodeCsvField(field: Buffer, form: CsvForm): Buffer {
  const out: number[] = []
  for (let at = 1; at < field.length - 1; at++) {
    const next = field[at + 1]
    if (
      field[at] === form.escape &&
      (next === form.quote || next === form.escape) &&
      at + 1 < field.length - 1
    )
      at++
    out.push(field[at]!)
  }
  return Buffer.from(out)
}

/** Always quoted: a masked value is then never taken for NULL. */
export function encodeCsvField(value: Buffer, form: CsvForm): Buffer {
  const out: number[] = [form.quote]
  for (const byte of value) {
    if (byte === form.quote || byte === form.escape) out.push(form.escape)
    out.push(byte)
  }
  out.push(form.quote)
  return Buffer.from(out)
}

// — binary —

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const fixedHeaderBytes = signature.length + 8

/** The header: signature, flags, and an extension that says how long it is. -1 where it is not all there. */
export function endOfBinaryHeader(bytes: Buffer, from: number, to: number): number {
  if (to - from < fixedHeaderBytes) return -1
  if (!bytes.subarray(from, from + signature.length).equals(signature)) throw malformed()
  const extension = bytes.readInt32BE(from + signature.length + 4)
  if (extension < 0 || extension > maxCopyRowBytes) throw malformed()
  const end = from + fixedHeaderBytes + extension
  return end > to ? -1 : end
}

/** The end of the stream, in the place of a row. */
export const trailerBytes = 2

/** A tuple: a count, then each field's length and bytes, which make the field here; a count of -1 ends the stream. */
export function scanBinaryRow(bytes: Buffer, from: number, to: number, fields: CopyFields): number {
  fields.clear()
  if (to - from < 2) return -1
  const count = bytes.readInt16BE(from)
  if (count === -1) return from + trailerBytes
  if (count < 0) throw malformed()
  let at = from + 2
  for (let i = 0; i < count; i++) {
    if (to - at < 4) return -1
    const length = bytes.readInt32BE(at)
    if (length < -1) throw malformed()
    const end = at + 4 + Math.max(0, length)
    if (end > to) return -1
    fields.add(at, end)
    at = end
  }
  return at
}

export function malformed(): Fault {
  return new Fault('target/malformed', 'the target sent a malformed COPY')
}
