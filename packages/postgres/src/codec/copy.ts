import { Fault } from '@sallyport/core'

/** A row that is longer cannot be masked, and so not be shown. */
const maxCopyRowBytes = 64 * 1024 * 1024

/**
 * Rewrites COPY TO STDOUT row by row, however its stream is cut. `push` returns what is ready; `end` the rest.
 * @see PostgreSQL documentation, "COPY", File Formats
 */
export interface CopyRewriter {
  push(bytes: Buffer): Buffer
  end(): Buffer
}

/** Cuts a stream of rows at their ends, as `endOf` finds them, and hands each whole one on. */
export class RowCutter implements CopyRewriter {
  readonly #endOf: (bytes: Buffer, from: number) => number
  readonly #row: (row: Buffer) => Buffer
  #rest: Buffer = Buffer.alloc(0)

  /**
   * @param endOf the offset behind the row that begins at `from`, or -1 where it is not all there
   * @param row what becomes of a row, its end included
   */
  constructor(endOf: (bytes: Buffer, from: number) => number, row: (row: Buffer) => Buffer) {
    this.#endOf = endOf
    this.#row = row
  }

  push(bytes: Buffer): Buffer {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const out: Buffer[] = []
    let at = 0
    for (let end = this.#endOf(all, at); end !== -1; end = this.#endOf(all, at)) {
      out.push(this.#row(all.subarray(at, end)))
      at = end
    }
    this.#rest = Buffer.from(all.subarray(at))
    if (this.#rest.length > maxCopyRowBytes) throw tooLong()
    return Buffer.concat(out)
  }

  end(): Buffer {
    const rest = this.#rest
    this.#rest = Buffer.alloc(0)
    return rest.length === 0 ? rest : this.#row(rest)
  }
}

function tooLong(): Fault {
  return new Fault('client/unsupported', `a COPY row of more than ${maxCopyRowBytes} bytes cannot be masked`)
}

// — text —

/** A row ends at a newline: those inside values are written as `\n`. */
export function endOfTextRow(bytes: Buffer, from: number): number {
  const newline = bytes.indexOf(0x0a, from)
  return newline === -1 ? -1 : newline + 1
}

/** Called with the bounds of each field of a row, in order. */
export type VisitField = (from: number, to: number) => void

/** hot path: finds the fields without making any. */
export function eachTextField(row: Buffer, delimiter: number, visit: VisitField): void {
  const length = row.length - (row[row.length - 1] === 0x0a ? 1 : 0)
  let from = 0
  for (let at = 0; at < length; at++) {
    const byte = row[at]
    if (byte === 0x5c) at++
    else if (byte === delimiter) {
      visit(from, at)
      from = at + 1
    }
  }
  visit(from, length)
}

const unescaped: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** The value's own bytes: the same buffer where nothing was escaped. */
export function decodeTextField(field: Buffer): Buffer {
  if (!field.includes(0x5c)) return field
  return Buffer.from(
    field.toString('utf8').replace(/\\(.)/gs, (_, symbol: string) => unescaped[symbol] ?? symbol),
  )
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
export function endOfCsvRow(bytes: Buffer, from: number, form: CsvForm): number {
  let isQuoted = false
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isQuoted && byte === form.escape && form.escape !== form.quote) {
      if (at + 1 === bytes.length) return -1
      if (bytes[at + 1] === form.quote || bytes[at + 1] === form.escape) at++
    } else if (byte === form.quote) isQuoted = !isQuoted
    else if (byte === 0x0a && !isQuoted) return at + 1
  }
  return -1
}

export function eachCsvField(row: Buffer, form: CsvForm, visit: VisitField): void {
  const length = row.length - (row[row.length - 1] === 0x0a ? 1 : 0)
  let from = 0
  let isQuoted = false
  for (let at = 0; at < length; at++) {
    const byte = row[at]
    if (isQuoted && byte === form.escape && form.escape !== form.quote) {
      if (row[at + 1] === form.quote || row[at + 1] === form.escape) at++
    } else if (byte === form.quote) isQuoted = !isQuoted
    else if (byte === form.delimiter && !isQuoted) {
      visit(from, at)
      from = at + 1
    }
  }
  visit(from, length)
}

export function decodeCsvField(field: Buffer, form: CsvForm): string {
  if (field[0] !== form.quote) return field.toString('utf8')
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
  return Buffer.from(out).toString('utf8')
}

/** Always quoted: a masked value is then never taken for NULL. */
export function encodeCsvField(text: string, form: CsvForm): Buffer {
  const out: number[] = [form.quote]
  for (const byte of Buffer.from(text)) {
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
export function endOfBinaryHeader(bytes: Buffer): number {
  if (bytes.length < fixedHeaderBytes) return -1
  if (!bytes.subarray(0, signature.length).equals(signature)) throw malformed()
  const extension = bytes.readInt32BE(signature.length + 4)
  if (extension < 0 || extension > maxCopyRowBytes) throw malformed()
  return bytes.length < fixedHeaderBytes + extension ? -1 : fixedHeaderBytes + extension
}

/** A tuple: a count, then each field's length and bytes; a count of -1 ends the stream. */
export function endOfBinaryRow(bytes: Buffer, from: number): number {
  if (bytes.length - from < 2) return -1
  const count = bytes.readInt16BE(from)
  if (count === -1) return from + 2
  if (count < 0) throw malformed()
  let at = from + 2
  for (let i = 0; i < count; i++) {
    if (bytes.length - at < 4) return -1
    const length = bytes.readInt32BE(at)
    if (length < -1) throw malformed()
    at += 4 + Math.max(0, length)
    if (at > bytes.length) return -1
  }
  return at
}

function malformed(): Fault {
  return new Fault('target/malformed', 'the target sent a malformed binary COPY')
}
