import type { ValueType } from '../catalog/snapshot.ts'
import { fitting } from './fitting.ts'
import { familyOf } from './types.ts'

/**
 * A cell's new bytes; null for NULL; undefined where it stays as it is. A number is where in the same buffer the rest begins that
 * stays: all before it becomes {@link stars}.
 */
export type NewCell = Buffer | number | null | undefined

/** Rewrites the cells of one column, `bytes[from, to)` each. Never called for NULL, which stays NULL. */
export type CellMask = (bytes: Buffer, from: number, to: number) => NewCell

export function maskWhole(cell: CellMask, value: Buffer): Buffer | null | undefined {
  return wholeOf(cell(value, 0, value.length), value, value.length)
}

/** A new cell with what is kept of the value's bytes, which end at `to`. */
export function wholeOf(next: NewCell, bytes: Buffer, to: number): Buffer | null | undefined {
  return typeof next === 'number' ? Buffer.concat([stars, bytes.subarray(next, to)]) : next
}

/** In place of what is hidden. */
export const stars = Buffer.from('****')

/** What every type has. */
export const toNull: CellMask = () => null

/**
 * Hides values whole: derived ones, and those of columns that could not be traced. Strings become stars; other types
 * become NULL.
 */
export function hideWhole(type: ValueType): CellMask {
  const hidden = starsAs(type)
  return hidden === null ? toNull : () => hidden
}

/** Stars where they are a value of the type; else NULL. */
export function starsAs(type: ValueType): Buffer | null {
  const family = familyOf(type.oid)
  return family === 'string' || family === 'xml' ? Buffer.from(fitting(type)(stars.toString())) : null
}

/** A mask that looks at values as buffers of their own. */
export function ofWhole(mask: (value: Buffer) => Buffer | null | undefined): CellMask {
  return (bytes, from, to) => mask(bytes.subarray(from, to))
}

/** hot path: whether the byte is among `bytes[from, to)`. */
export function holds(bytes: Buffer, from: number, to: number, byte: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === byte) return true
  return false
}
