import { redact, scrub, Sieve, type Scrubber } from '@sallyport/masking'
import type { Redactor } from '@sallyport/core'
import { familyOf, integerBytes, mayHoldText } from './types.ts'
import { scrubArray, redactArray } from './array.ts'
import { scrubJson } from './json.ts'

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

/**
 * Hides values whole: derived ones, and those of columns that could not be traced. Strings become stars; other types
 * become NULL, which all of them have.
 */
export function hideWhole(typeOid: number): CellMask {
  const hidden = familyOf(typeOid) === 'string' ? stars : null
  return () => hidden
}

/** Applies a tag's redactor to a plain column, in the form that the column's type has on the wire. */
export function redactPlain(redactor: Redactor, typeOid: number, format: number, key: Uint8Array): CellMask {
  switch (familyOf(typeOid)) {
    case 'string':
      return redactString(redactor, key)
    case 'strings':
      return ofWhole((value) => redactArray(value, format, (text) => redact(redactor, text, key)))
    case 'integer':
      return redactInteger(redactor, typeOid, format, key)
    case 'numeric':
      return format === 0 ? redactNumeric(redactor, key) : () => null
    case 'json':
    case 'jsonb':
      return redactJson(redactor, typeOid, format)
    case 'other':
      return () => null
  }
}

/** A mask that looks at values as buffers of their own. */
function ofWhole(mask: (value: Buffer) => Buffer | null | undefined): CellMask {
  return (bytes, from, to) => mask(bytes.subarray(from, to))
}

/** hot path: the redactors that most columns have make no strings, and no buffers. */
function redactString(redactor: Redactor, key: Uint8Array): CellMask {
  switch (redactor.kind) {
    case 'full':
    case 'null':
    case 'fixed': {
      const same = encoded(redact(redactor, '', key))
      return () => same
    }
    case 'domain':
      return redactDomain
    case 'last-four':
    case 'hash':
    case 'digits':
      return (bytes, from, to) => encoded(redact(redactor, bytes.toString('utf8', from, to), key))
  }
}

/** As the redactor `domain`, on UTF-8, in which no other symbol holds the byte of an `@`. */
function redactDomain(bytes: Buffer, from: number, to: number): Buffer | number {
  for (let at = to - 1; at >= from; at--) if (bytes[at] === 0x40) return at
  return stars
}

/** Looks for values of known kinds in a column that is not tagged. Undefined where its type holds no free text. */
export function scrubFound(
  scrubbers: readonly Scrubber[],
  typeOid: number,
  format: number,
  key: Uint8Array,
): CellMask | undefined {
  if (!mayHoldText(typeOid, format)) return undefined
  const family = familyOf(typeOid)
  const sieve = new Sieve(scrubbers.map(({ detector }) => detector))
  const rewriting =
    (may: number) =>
    (text: string): string | undefined =>
      scrub(scrubbers, text, key, may)?.text
  // hot path: most values end at the sieve.
  const sieved =
    (
      canEscape: boolean,
      change: (value: Buffer, rewrite: (text: string) => string | undefined) => Buffer | null | undefined,
    ): CellMask =>
    (bytes, from, to) => {
      // What is escaped reads as other bytes than these.
      const may = canEscape && holds(bytes, from, to, backslash) ? Sieve.all : sieve.mayHold(bytes, from, to)
      return may === 0 ? undefined : change(bytes.subarray(from, to), rewriting(may))
    }
  if (family === 'json' || family === 'jsonb')
    return sieved(true, (value, rewrite) => scrubJson(value, family, format, rewrite))
  if (family === 'strings') {
    // What stands between the texts of the binary form may look like a part of them.
    if (format === 1) return ofWhole((value) => scrubArray(value, format, rewriting(Sieve.all)))
    return sieved(true, (value, rewrite) => scrubArray(value, format, rewrite))
  }
  return sieved(false, (value, rewrite) => {
    const text = rewrite(value.toString('utf8'))
    return text === undefined ? undefined : Buffer.from(text)
  })
}

const backslash = 0x5c

/** hot path: whether the byte is among `bytes[from, to)`. */
export function holds(bytes: Buffer, from: number, to: number, byte: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] === byte) return true
  return false
}

function encoded(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}

function redactNumeric(redactor: Redactor, key: Uint8Array): CellMask {
  const mask = redactNumber(redactor, key)
  return (bytes, from, to) => mask(bytes.toString('latin1', from, to))
}

/** By a number as text. */
function redactNumber(redactor: Redactor, key: Uint8Array): (text: string) => Buffer | null {
  if (redactor.kind === 'fixed') {
    const fixed = /^-?\d+(\.\d+)?$/.test(redactor.text) ? Buffer.from(redactor.text) : null
    return () => fixed
  }
  if (redactor.kind !== 'digits') return () => null
  return (text) => encoded(redact(redactor, text, key))
}

const ranges = {
  2: [-0x8000n, 0x7fffn],
  4: [-0x80000000n, 0x7fffffffn],
  8: [-(2n ** 63n), 2n ** 63n - 1n],
} as const

function redactInteger(redactor: Redactor, typeOid: number, format: number, key: Uint8Array): CellMask {
  const width = integerBytes(typeOid)
  const [min, max] = ranges[width]
  const textMask = redactNumber(redactor, key)
  return (bytes, from, to) => {
    const text =
      format === 0
        ? bytes.toString('latin1', from, to)
        : to - from === width
          ? readInteger(bytes, from, width).toString()
          : ''
    const masked = /^-?\d+$/.test(text) ? textMask(text) : null
    if (masked === null || !/^-?\d+$/.test(masked.toString('latin1'))) return null
    const number = BigInt(masked.toString('latin1'))
    // Other digits may be too large for the type.
    if (number < min || number > max) return null
    return format === 0 ? Buffer.from(number.toString()) : writeInteger(number, width)
  }
}

function readInteger(bytes: Buffer, at: number, width: 2 | 4 | 8): bigint {
  return width === 8
    ? bytes.readBigInt64BE(at)
    : BigInt(width === 4 ? bytes.readInt32BE(at) : bytes.readInt16BE(at))
}

function writeInteger(value: bigint, width: 2 | 4 | 8): Buffer {
  const bytes = Buffer.alloc(width)
  if (width === 8) bytes.writeBigInt64BE(value)
  else bytes.writeIntBE(Number(value), 0, width)
  return bytes
}

function redactJson(redactor: Redactor, typeOid: number, format: number): CellMask {
  if (redactor.kind !== 'fixed' || !isJson(redactor.text)) return () => null
  const version = familyOf(typeOid) === 'jsonb' && format === 1 ? Buffer.from([1]) : Buffer.alloc(0)
  const fixed = Buffer.concat([version, Buffer.from(redactor.text)])
  return () => fixed
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
