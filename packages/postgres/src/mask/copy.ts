import type { CopyRewriter } from '../codec/copy.ts'
import {
  decodeCsvField,
  decodeTextField,
  eachCsvField,
  eachTextField,
  encodeCsvField,
  encodeTextField,
  endOfBinaryHeader,
  endOfBinaryRow,
  endOfCsvRow,
  endOfTextRow,
  RowCutter,
  type CsvForm,
  type VisitField,
} from '../codec/copy.ts'
import type { CopyAnalysis } from '../facts/analysis.ts'
import type { CopyMask } from '../masks.ts'
import { Fault } from '@sallyport/core'
import type { CellMask } from './cell.ts'

/** Rewrites the columns of COPY TO STDOUT. `cells` beside the columns; undefined passes. */
export class PlannedCopyMask implements CopyMask {
  readonly #names: readonly string[]
  readonly #isTouched: boolean[]
  readonly #cells: readonly (CellMask | undefined)[]
  readonly #rewriter: CopyRewriter
  #maskedValues = 0

  constructor(copy: CopyAnalysis, names: readonly string[], cells: readonly (CellMask | undefined)[]) {
    this.#names = names
    this.#isTouched = names.map(() => false)
    this.#cells = cells
    this.#rewriter = this.#rewriterFor(copy)
  }

  get columns(): readonly string[] {
    return this.#names.filter((_, i) => this.#isTouched[i])
  }

  get maskedValues(): number {
    return this.#maskedValues
  }

  push(bytes: Buffer): Buffer {
    return this.#rewriter.push(bytes)
  }

  end(): Buffer {
    return this.#rewriter.end()
  }

  #rewriterFor(copy: CopyAnalysis): CopyRewriter {
    switch (copy.format) {
      case 'text':
        return this.#text(copy)
      case 'csv':
        return this.#csv(copy)
      case 'binary':
        return this.#binary()
    }
  }

  #text(copy: CopyAnalysis): CopyRewriter {
    const delimiter = copy.delimiter.charCodeAt(0)
    const nullText = Buffer.from(copy.nullText)
    const mask: MaskField = (field, cell) => {
      if (field.equals(nullText)) return field
      const next = cell(decodeTextField(field))
      return next === undefined ? field : next === null ? nullText : encodeTextField(next, delimiter)
    }
    const each: EachField = (row, visit) => eachTextField(row, delimiter, visit)
    return new RowCutter(
      endOfTextRow,
      this.#header(copy, (row) => this.#row(row, each, mask)),
    )
  }

  #csv(copy: CopyAnalysis): CopyRewriter {
    const form: CsvForm = {
      delimiter: copy.delimiter.charCodeAt(0),
      quote: copy.quote.charCodeAt(0),
      escape: copy.escape.charCodeAt(0),
    }
    const nullText = Buffer.from(copy.nullText)
    const mask: MaskField = (field, cell) => {
      if (field.equals(nullText)) return field
      const next = cell(Buffer.from(decodeCsvField(field, form)))
      return next === undefined
        ? field
        : next === null
          ? nullText
          : encodeCsvField(next.toString('utf8'), form)
    }
    const each: EachField = (row, visit) => eachCsvField(row, form, visit)
    return new RowCutter(
      (bytes, from) => endOfCsvRow(bytes, from, form),
      this.#header(copy, (row) => this.#row(row, each, mask)),
    )
  }

  #binary(): CopyRewriter {
    let hasHeader = false
    return new RowCutter(
      (bytes, from) => (hasHeader ? endOfBinaryRow(bytes, from) : endOfBinaryHeader(bytes)),
      (row) => {
        if (!hasHeader) {
          hasHeader = true
          return row
        }
        return this.#binaryRow(row)
      },
    )
  }

  #binaryRow(row: Buffer): Buffer {
    if (row.length === 2 && row.readInt16BE(0) === -1) return row
    return this.#row(row, eachBinaryField, (field, cell) => {
      if (field.readInt32BE(0) === -1) return field
      const next = cell(field.subarray(4))
      if (next === undefined) return field
      const head = Buffer.alloc(4)
      head.writeInt32BE(next === null ? -1 : next.length)
      return next === null ? head : Buffer.concat([head, next])
    })
  }

  /** The first row may be the column names. */
  #header(copy: CopyAnalysis, row: (row: Buffer) => Buffer): (row: Buffer) => Buffer {
    let isFirst = copy.hasHeader
    return (bytes) => {
      if (!isFirst) return row(bytes)
      isFirst = false
      return bytes
    }
  }

  /** hot path: only masked fields become buffers, and a row is copied only where one changed. */
  #row(row: Buffer, each: EachField, mask: MaskField): Buffer {
    const cells = this.#cells
    const parts: Buffer[] = []
    let kept = 0
    let i = 0
    each(row, (from, to) => {
      const cell = cells[i]
      if (cell !== undefined) {
        const field = row.subarray(from, to)
        const next = mask(field, cell)
        if (next !== field) {
          parts.push(row.subarray(kept, from), next)
          kept = to
          this.#maskedValues++
          this.#isTouched[i] = true
        }
      }
      i++
    })
    if (i !== cells.length) {
      throw new Fault('target/malformed', 'the target sent a COPY row that does not fit its columns')
    }
    if (parts.length === 0) return row
    parts.push(row.subarray(kept))
    return Buffer.concat(parts)
  }
}

type MaskField = (field: Buffer, cell: CellMask) => Buffer
type EachField = (row: Buffer, visit: VisitField) => void

/** Each field with its length word. */
function eachBinaryField(row: Buffer, visit: VisitField): void {
  let at = 2
  for (let count = row.readInt16BE(0); count > 0; count--) {
    const to = at + 4 + Math.max(0, row.readInt32BE(at))
    visit(at, to)
    at = to
  }
}
