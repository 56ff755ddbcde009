import type { CopyRewriter } from '../codec/copy.ts'
import {
  decodeCsvField,
  decodeTextField,
  encodeCsvField,
  encodeTextField,
  endOfBinaryHeader,
  endOfBinaryRow,
  endOfCsvRow,
  endOfTextRow,
  RowCutter,
  splitCsvRow,
  splitTextRow,
  type CsvForm,
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
    return new RowCutter(
      endOfTextRow,
      this.#header(copy, (row) => {
        const { fields, ending } = splitTextRow(row, delimiter)
        const masked = this.#fields(fields, (field, cell) => {
          if (field.equals(nullText)) return field
          const next = cell(Buffer.from(decodeTextField(field)))
          return next === undefined
            ? field
            : next === null
              ? nullText
              : encodeTextField(next.toString('utf8'), copy.delimiter)
        })
        return Buffer.concat([join(masked, delimiter), ending])
      }),
    )
  }

  #csv(copy: CopyAnalysis): CopyRewriter {
    const form: CsvForm = {
      delimiter: copy.delimiter.charCodeAt(0),
      quote: copy.quote.charCodeAt(0),
      escape: copy.escape.charCodeAt(0),
    }
    const nullText = Buffer.from(copy.nullText)
    return new RowCutter(
      (bytes, from) => endOfCsvRow(bytes, from, form),
      this.#header(copy, (row) => {
        const { fields, ending } = splitCsvRow(row, form)
        const masked = this.#fields(fields, (field, cell) => {
          if (field.equals(nullText)) return field
          const next = cell(Buffer.from(decodeCsvField(field, form)))
          return next === undefined
            ? field
            : next === null
              ? nullText
              : encodeCsvField(next.toString('utf8'), form)
        })
        return Buffer.concat([join(masked, form.delimiter), ending])
      }),
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
    const parts: Buffer[] = [row.subarray(0, 2)]
    let at = 2
    const fields: Buffer[] = []
    for (let count = row.readInt16BE(0); count > 0; count--) {
      const to = at + 4 + Math.max(0, row.readInt32BE(at))
      fields.push(row.subarray(at, to))
      at = to
    }
    const masked = this.#fields(fields, (field, cell) => {
      if (field.readInt32BE(0) === -1) return field
      const next = cell(field.subarray(4))
      if (next === undefined) return field
      const head = Buffer.alloc(4)
      head.writeInt32BE(next === null ? -1 : next.length)
      return next === null ? head : Buffer.concat([head, next])
    })
    return Buffer.concat([...parts, ...masked])
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

  #fields(fields: readonly Buffer[], mask: (field: Buffer, cell: CellMask) => Buffer): readonly Buffer[] {
    if (fields.length !== this.#cells.length) {
      throw new Fault('target/malformed', 'the target sent a COPY row that does not fit its columns')
    }
    return fields.map((field, i) => {
      const cell = this.#cells[i]
      if (cell === undefined) return field
      const next = mask(field, cell)
      if (next !== field) {
        this.#maskedValues++
        this.#isTouched[i] = true
      }
      return next
    })
  }
}

function join(fields: readonly Buffer[], delimiter: number): Buffer {
  const separator = Buffer.from([delimiter])
  return Buffer.concat(fields.flatMap((field, i) => (i === 0 ? [field] : [separator, field])))
}
