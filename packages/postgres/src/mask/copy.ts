import { Outbox } from '@sallyport/wire'
import {
  checkRowLength,
  CopyFields,
  decodeCsvField,
  decodeTextField,
  encodeCsvField,
  encodeTextField,
  endOfBinaryHeader,
  malformed,
  scanBinaryRow,
  scanCsvRow,
  TextScanner,
  trailerBytes,
  type CsvForm,
  type ScanRow,
} from '../codec/copy.ts'
import { headBytes, tag } from '../codec/tags.ts'
import { utf8, type Encoding } from '../encoding/encoding.ts'
import type { CopyAnalysis } from '../facts/analysis.ts'
import type { CopyMask } from '../masks.ts'
import { holds, stars, type CellMask, maskWhole, wholeOf } from './cell.ts'
import { Changes } from './changes.ts'

/** How one format of COPY has its rows. */
interface Form {
  readonly scan: ScanRow
  /** Behind what comes before the rows, or -1 where it is not all there yet; absent where nothing does. */
  readonly endOfHeader?: (bytes: Buffer, from: number, to: number) => number
  /** Fields begin with their length. */
  readonly isBinary: boolean
  /** Notes what becomes of the field `bytes[from, to)`. @returns whether anything does */
  mask(bytes: Buffer, from: number, to: number, cell: CellMask, row: CopyFields, changes: Changes): boolean
}

/** Rewrites the columns of COPY TO STDOUT, a message a row. `cells` beside the columns; undefined passes. */
export class PlannedCopyMask implements CopyMask {
  readonly #names: readonly string[]
  readonly #cells: readonly (CellMask | undefined)[]
  /** By column: whether any of its values was masked. */
  readonly #isTouched: boolean[]
  readonly #form: Form
  readonly #fields = new CopyFields()
  readonly #changes: Changes
  #hasHeader: boolean
  /** Of a row that is not all there. */
  #rest: Buffer = nothing
  #maskedValues = 0

  /** @param encoding of the rows */
  constructor(
    copy: CopyAnalysis,
    names: readonly string[],
    cells: readonly (CellMask | undefined)[],
    encoding = utf8,
  ) {
    this.#names = names
    this.#cells = cells
    this.#isTouched = names.map(() => false)
    this.#form = encoding === utf8 ? formOf(copy) : inEncoding(formOf(copy), encoding)
    this.#changes = new Changes(this.#form.isBinary)
    this.#hasHeader = this.#form.endOfHeader !== undefined
  }

  get columns(): readonly string[] {
    return this.#names.filter((_, i) => this.#isTouched[i])
  }

  get maskedValues(): number {
    return this.#maskedValues
  }

  // hot path: a message that is one row, in which nothing changes, passes as it came.
  push(chunk: Buffer, from: number, to: number, out: Outbox): number | 'as-is' {
    const first = from + headBytes
    if (this.#rest.length === 0 && !this.#hasHeader && this.#maskRow(chunk, first, to) === to)
      return this.#changes.count === 0 ? 'as-is' : this.#put(chunk, first, to, out)
    const all =
      this.#rest.length === 0
        ? chunk.subarray(first, to)
        : Buffer.concat([this.#rest, chunk.subarray(first, to)])
    return this.#rows(all, out)
  }

  end(out: Outbox): number {
    const rest = this.#rest
    this.#rest = nothing
    if (rest.length === 0) return 0
    // Half a tuple, or half a header, can be neither masked nor shown.
    if (this.#form.isBinary) throw malformed()
    const row = Buffer.concat([rest, newline])
    if (this.#hasHeader) return this.#putAsIs(rest, 0, rest.length, out)
    if (this.#maskRow(row, 0, row.length) !== row.length) throw malformed()
    return this.#put(row, 0, rest.length, out)
  }

  #rows(bytes: Buffer, out: Outbox): number {
    let at = 0
    let written = 0
    if (this.#hasHeader) {
      const end = this.#form.endOfHeader!(bytes, 0, bytes.length)
      if (end !== -1) {
        this.#hasHeader = false
        written += this.#putAsIs(bytes, 0, end, out)
        at = end
      }
    }
    if (!this.#hasHeader) {
      for (
        let end = this.#maskRow(bytes, at, bytes.length);
        end !== -1;
        end = this.#maskRow(bytes, at, bytes.length)
      ) {
        written += this.#put(bytes, at, end, out)
        at = end
      }
    }
    this.#rest = at === bytes.length ? nothing : Buffer.from(bytes.subarray(at))
    checkRowLength(this.#rest.length)
    return written
  }

  /** Notes the changes of the row that begins at `from`. @returns the offset behind it, or -1 where it is not all there */
  #maskRow(bytes: Buffer, from: number, to: number): number {
    const fields = this.#fields
    const cells = this.#cells
    this.#changes.clear()
    const end = this.#form.scan(bytes, from, to, fields)
    if (end === -1) return -1
    if (this.#form.isBinary && end - from === trailerBytes && fields.count === 0 && cells.length > 0)
      return end
    if (fields.count !== cells.length) throw malformed()
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]
      if (cell === undefined) continue
      if (!this.#form.mask(bytes, fields.from(i), fields.to(i), cell, fields, this.#changes)) continue
      this.#maskedValues++
      this.#isTouched[i] = true
    }
    return end
  }

  /** Writes `bytes[from, to)` with the changes that were noted, as one message. */
  #put(bytes: Buffer, from: number, to: number, out: Outbox): number {
    const size = headBytes + to - from + this.#changes.growth
    const at = this.#changes.write(bytes, from, to, size, out)
    const { room } = out
    room[at] = tag.copyData
    room.writeInt32BE(size - 1, at + 1)
    return size
  }

  #putAsIs(bytes: Buffer, from: number, to: number, out: Outbox): number {
    this.#changes.clear()
    return this.#put(bytes, from, to, out)
  }
}

function formOf(copy: CopyAnalysis): Form {
  switch (copy.format) {
    case 'text':
      return textForm(copy)
    case 'csv':
      return csvForm(copy)
    case 'binary':
      return binaryForm
  }
}

/** The form that reads UTF-8, for rows in another encoding: what divides fields is ASCII in all. */
function inEncoding(form: Form, encoding: Encoding): Form {
  if (form.isBinary) return form
  return {
    ...form,
    mask(bytes, from, to, cell, row, changes) {
      const field = Buffer.from(encoding.show(bytes.subarray(from, to)))
      const inner = new Changes(false)
      if (!form.mask(field, 0, field.length, cell, row, inner)) return false
      const masked = new Outbox()
      inner.write(field, 0, field.length, field.length + inner.growth, masked)
      changes.replace(from, to, encoding.encode(masked.take().toString('utf8')), 0)
      return true
    },
  }
}

function textForm(copy: CopyAnalysis): Form {
  const delimiter = copy.delimiter.charCodeAt(0)
  const nullText = Buffer.from(copy.nullText)
  const encodedStars = encodeTextField(stars, delimiter)
  const scanner = new TextScanner(delimiter)
  const scan: ScanRow = (bytes, from, to, fields) => scanner.scan(bytes, from, to, fields)
  return {
    scan,
    ...withHeader(copy, scan),
    isBinary: false,
    mask(bytes, from, to, cell, { hasEscapes }, changes) {
      if (isSame(bytes, from, to, nullText)) return false
      if (hasEscapes && holds(bytes, from, to, escapeByte)) {
        const next = maskWhole(cell, decodeTextField(bytes.subarray(from, to)))
        if (next === undefined) return false
        changes.replace(from, to, next === null ? nullText : encodeTextField(next, delimiter), 0)
        return true
      }
      // hot path: the bytes of the field are those of its value, and what is kept of them stays where it is.
      const next = cell(bytes, from, to)
      if (next === undefined) return false
      if (typeof next === 'number') changes.replace(from, next, encodedStars, to - next)
      else changes.replace(from, to, next === null ? nullText : encodeTextField(next, delimiter), 0)
      return true
    },
  }
}

function csvForm(copy: CopyAnalysis): Form {
  const form: CsvForm = {
    delimiter: copy.delimiter.charCodeAt(0),
    quote: copy.quote.charCodeAt(0),
    escape: copy.escape.charCodeAt(0),
  }
  const nullText = Buffer.from(copy.nullText)
  const scan: ScanRow = (bytes, from, to, fields) => scanCsvRow(bytes, from, to, form, fields)
  return {
    scan,
    ...withHeader(copy, scan),
    isBinary: false,
    mask(bytes, from, to, cell, _row, changes) {
      if (isSame(bytes, from, to, nullText)) return false
      const isQuoted = bytes[from] === form.quote
      const next = isQuoted
        ? maskWhole(cell, decodeCsvField(bytes.subarray(from, to), form))
        : wholeOf(cell(bytes, from, to), bytes, to)
      if (next === undefined) return false
      changes.replace(from, to, next === null ? nullText : encodeCsvField(next, form), 0)
      return true
    },
  }
}

/** The first row may be the column names. */
function withHeader({ hasHeader }: CopyAnalysis, scan: ScanRow): Pick<Form, 'endOfHeader'> {
  if (!hasHeader) return {}
  const fields = new CopyFields()
  return { endOfHeader: (bytes, from, to) => scan(bytes, from, to, fields) }
}

const binaryForm: Form = {
  scan: scanBinaryRow,
  endOfHeader: endOfBinaryHeader,
  isBinary: true,
  mask(bytes, from, to, cell, _row, changes) {
    if (bytes.readInt32BE(from) === -1) return false
    const next = cell(bytes, from + lengthBytes, to)
    if (next === undefined) return false
    if (typeof next === 'number') changes.replace(from, next, stars, to - next)
    else changes.replace(from, to, next, 0)
    return true
  },
}

/** hot path: mostly told by the length. */
function isSame(bytes: Buffer, from: number, to: number, text: Buffer): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false
  return true
}

const escapeByte = 0x5c
const lengthBytes = 4

const nothing = Buffer.alloc(0)
const newline = Buffer.from('\n')
