import type { Redactor } from '@sallyport/core'
import { decimalHash, integerHash, otherNumber } from '@sallyport/masking'
import type { ValueType } from '../catalog/snapshot.ts'
import { ofWhole, toNull, type CellMask } from './cell.ts'
import { boundsOf, bytesOfNumeric, textOfNumeric } from './numeric.ts'
import { integerBytes } from './types.ts'

/** `hash` and `digits`, within the type's range; nothing else that is kept of a number is one of the same kind. */
export function redactInteger(
  redactor: Redactor,
  { oid }: ValueType,
  format: number,
  key: Uint8Array,
): CellMask {
  const width = integerBytes(oid)
  const other = otherInteger(redactor, width, key)
  if (other === undefined) return toNull
  return ofWhole((value) => {
    const integer = format === 0 ? integerIn(value.toString('latin1'), width) : readInteger(value, width)
    const next = integer === undefined ? undefined : other(integer)
    if (next === undefined) return null
    return format === 0 ? Buffer.from(String(next)) : integerAsBytes(next, width)
  })
}

function otherInteger(
  redactor: Redactor,
  width: Width,
  key: Uint8Array,
): ((value: bigint) => bigint | undefined) | undefined {
  if (redactor.kind === 'hash') return integerHash(bitsOf[width], key)
  if (redactor.kind !== 'digits') return undefined
  return (value) => {
    const text = otherNumber(String(value), key, (drawn) => integerIn(drawn, width) !== undefined)
    return text === undefined ? undefined : BigInt(text)
  }
}

export function redactNumeric(
  redactor: Redactor,
  { typmod }: ValueType,
  format: number,
  key: Uint8Array,
): CellMask {
  if (redactor.kind !== 'hash' && redactor.kind !== 'digits') return toNull
  const other =
    redactor.kind === 'hash'
      ? decimalHash(boundsOf(typmod), key)
      : (text: string) => otherNumber(text, key, () => true)
  return ofWhole((value) => {
    const text = format === 0 ? value.toString('latin1') : textOfNumeric(value)
    const next = text === undefined ? undefined : other(text)
    if (next === undefined) return null
    return format === 0 ? Buffer.from(next) : bytesOfNumeric(next)
  })
}

export type Width = 2 | 4 | 8

const bitsOf = { 2: 16, 4: 32, 8: 64 } as const

/** Undefined where the text is no integer of that width. */
export function integerIn(text: string, width: Width): bigint | undefined {
  if (!/^-?\d{1,19}$/.test(text)) return undefined
  const value = BigInt(text)
  return BigInt.asIntN(bitsOf[width], value) === value ? value : undefined
}

function readInteger(bytes: Buffer, width: Width): bigint | undefined {
  if (bytes.length !== width) return undefined
  return width === 8 ? bytes.readBigInt64BE() : BigInt(bytes.readIntBE(0, width))
}

export function integerAsBytes(value: bigint, width: Width): Buffer {
  const bytes = Buffer.alloc(width)
  if (width === 8) bytes.writeBigInt64BE(value)
  else bytes.writeIntBE(Number(value), 0, width)
  return bytes
}
