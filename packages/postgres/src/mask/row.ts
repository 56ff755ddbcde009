import { Fault } from '@sallyport/core'
import type { RowMask } from '../masks.ts'
import type { CellMask } from './cell.ts'

/** A column's mask; undefined where it passes as it is. */
export interface MaskedColumn {
  readonly name: string
  readonly cell: CellMask | undefined
}

/**
 * Rewrites DataRow bodies: a count, then each value's length (-1 for NULL) and bytes.
 * hot path: a row in which nothing changes is returned as it came.
 */
export class PlannedRowMask implements RowMask {
  readonly #names: readonly string[]
  readonly #cells: readonly (CellMask | undefined)[]
  /** By column: whether any of its values was masked. */
  readonly #isTouched: boolean[]

  constructor(columns: readonly MaskedColumn[]) {
    this.#names = columns.map(({ name }) => name)
    this.#cells = columns.map(({ cell }) => cell)
    this.#isTouched = columns.map(() => false)
  }

  get columns(): readonly string[] {
    return this.#names.filter((_, i) => this.#isTouched[i])
  }

  apply(body: Buffer): { readonly bytes: Buffer; readonly values: number } {
    const cells = this.#cells
    if (body.length < 2 || body.readUInt16BE(0) !== cells.length) throw malformed()
    const parts: Buffer[] = []
    let kept = 0
    let at = 2
    let values = 0
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]
      if (at + 4 > body.length) throw malformed()
      const length = body.readInt32BE(at)
      const from = at + 4
      if (length < -1 || (length > 0 && length > body.length - from)) throw malformed()
      const to = length === -1 ? from : from + length
      if (cell !== undefined && length !== -1) {
        const next = cell(body.subarray(from, to))
        if (next !== undefined) {
          const head = Buffer.allocUnsafe(4)
          head.writeInt32BE(next === null ? -1 : next.length)
          parts.push(body.subarray(kept, at), head)
          if (next !== null) parts.push(next)
          kept = to
          values++
          this.#isTouched[i] = true
        }
      }
      at = to
    }
    if (at !== body.length) throw malformed()
    if (values === 0) return { bytes: body, values }
    parts.push(body.subarray(kept))
    return { bytes: Buffer.concat(parts), values }
  }
}

function malformed(): Fault {
  return new Fault('target/malformed', 'the target sent a row that does not fit its description')
}
