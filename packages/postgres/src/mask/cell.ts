import { redact, scrub, mayFind, type Scrubber } from '@sallyport/masking'
import type { Redactor } from '@sallyport/core'
import { familyOf, integerBytes, mayHoldText } from './types.ts'
import { scrubArray, redactArray } from './array.ts'
import { scrubJson } from './json.ts'

/** A cell's new bytes; null for NULL; undefined where it stays as it is. */
export type NewCell = Buffer | null | undefined

/** Rewrites the cells of one column. Never called for NULL, which stays NULL. */
export type CellMask = (value: Buffer) => NewCell

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
      return (value) => redactArray(value, format, (text) => redact(redactor, text, key))
    case 'integer':
      return redactInteger(redactor, typeOid, format, key)
    case 'numeric':
      return format === 0 ? redactNumber(redactor, key) : () => null
    case 'json':
    case 'jsonb':
      return redactJson(redactor, typeOid, format)
    case 'other':
      return () => null
  }
}

/** hot path: the redactors that most columns have make no strings. */
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
      return (value) => encoded(redact(redactor, value.toString('utf8'), key))
  }
}

/** As the redactor `domain`, on UTF-8, in which no other symbol holds the byte of an `@`. */
function redactDomain(value: Buffer): Buffer {
  let at = value.length - 1
  while (at >= 0 && value[at] !== 0x40) at--
  if (at === -1) return stars
  const masked = Buffer.allocUnsafe(stars.length + value.length - at)
  masked.set(stars)
  for (let to = stars.length; at < value.length; at++, to++) masked[to] = value[at]!
  return masked
}

const stars = Buffer.from('****')

/** Looks for values of known kinds in a column that is not tagged. Undefined where its type holds no free text. */
export function scrubFound(
  scrubbers: readonly Scrubber[],
  typeOid: number,
  format: number,
  key: Uint8Array,
): CellMask | undefined {
  if (!mayHoldText(typeOid, format)) return undefined
  const family = familyOf(typeOid)
  const rewrite = (text: string): string | undefined => scrub(scrubbers, text, key)?.text
  // hot path: most values end at the cheap test.
  const guarded =
    (change: CellMask): CellMask =>
    (value) =>
      mayFind(scrubbers, value) ? change(value) : undefined
  if (family === 'json' || family === 'jsonb')
    return guarded((value) => scrubJson(value, family, format, rewrite))
  if (family === 'strings') return guarded((value) => scrubArray(value, format, rewrite))
  return guarded((value) => {
    const text = rewrite(value.toString('utf8'))
    return text === undefined ? undefined : Buffer.from(text)
  })
}

function encoded(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text)
}

function redactNumber(redactor: Redactor, key: Uint8Array): CellMask {
  if (redactor.kind === 'fixed') {
    const fixed = /^-?\d+(\.\d+)?$/.test(redactor.text) ? Buffer.from(redactor.text) : null
    return () => fixed
  }
  if (redactor.kind !== 'digits') return () => null
  return (value) => encoded(redact(redactor, value.toString('latin1'), key))
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
  return (value) => {
    const text =
      format === 0
        ? value.toString('latin1')
        : value.length === width
          ? readInteger(value, width).toString()
          : ''
    const masked = /^-?\d+$/.test(text) ? textMask(Buffer.from(text)) : null
    if (masked === null || masked === undefined || !/^-?\d+$/.test(masked.toString('latin1'))) return null
    const number = BigInt(masked.toString('latin1'))
    // Other digits may be too large for the type.
    if (number < min || number > max) return null
    return format === 0 ? Buffer.from(number.toString()) : writeInteger(number, width)
  }
}

function readInteger(value: Buffer, width: 2 | 4 | 8): bigint {
  return width === 8
    ? value.readBigInt64BE()
    : BigInt(width === 4 ? value.readInt32BE() : value.readInt16BE())
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
