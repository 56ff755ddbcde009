import { Fault } from '@sallyport/core'
import type { Outbox } from '@sallyport/wire'
import { headBytes } from '../codec/tags.ts'
import type { RowMask } from '../masks.ts'
import { stars, type CellMask } from './cell.ts'
import { Changes } from './changes.ts'

/** A column's mask; undefined where it passes as it is. */
export interface MaskedColumn {
  readonly name: string
  readonly cell: CellMask | undefined
}

/** Rewrites DataRows: after the head a count, then each value's length (-1 for NULL) and bytes. */
export class PlannedRowMask implements RowMask {
  readonly #names: readonly string[]
  readonly #cells: readonly (CellMask | undefined)[]
  /** By column: whether any of its values was masked. */
  readonly #isTouched: boolean[]
  readonly #changes = new Changes(true)
  #maskedValues = 0

  constructor(columns: readonly MaskedColumn[]) {
    this.#names = columns.map(({ name }) => name)
    this.#cells = columns.map(({ cell }) => cell)
    this.#isTouched = columns.map(() => false)
  }

  get columns(): readonly string[] {
    return this.#names.filter((_, i) => this.#isTouched[i])
  }

  get maskedValues(): number {
    return this.#maskedValues
  }

  // hot path: a row in which nothing changes is left as it came.
  rewrite(chunk: Buffer, from: number, to: number, out: Outbox): number | 'as-is' {
    this.#mask(chunk, from + headBytes, to)
    const { count, growth } = this.#changes
    if (count === 0) return 'as-is'
    this.#maskedValues += count
    const size = to - from + growth
    const at = this.#changes.write(chunk, from, to, size, out)
    out.room.writeInt32BE(size - 1, at + 1)
    return size
  }

  #mask(chunk: Buffer, from: number, to: number): void {
    const cells = this.#cells
    this.#changes.clear()
    if (to - from < 2 || chunk.readUInt16BE(from) !== cells.length) throw malformed()
    let at = from + 2
    for (let i = 0; i < cells.length; i++) {
      if (at + 4 > to) throw malformed()
      const length = chunk.readInt32BE(at)
      const value = at + 4
      if (length < -1 || (length > 0 && length > to - value)) throw malformed()
      const end = length === -1 ? value : value + length
      const cell = cells[i]
      if (cell !== undefined && length !== -1) {
        const next = cell(chunk, value, end)
        if (next !== undefined) {
          if (typeof next === 'number') this.#changes.replace(at, next, stars, end - next)
          else this.#changes.replace(at, end, next, 0)
          this.#isTouched[i] = true
        }
      }
      at = end
    }
    if (at !== to) throw malformed()
  }
}

function malformed(): Fault {
  return new Fault('target/malformed', 'the target sent a row that does not fit its description')
}
