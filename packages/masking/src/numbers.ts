import { keyedDigits } from './keyed-digits.ts'
import { keyedHash } from './keyed-hash.ts'
import { KeyedPermutation } from './keyed-permutation.ts'

/** How often other digits are drawn until they fit; the least room, that of int2, takes one in four. */
const maxDraws = 256
/** Below so many digits, and for integers of so many bits, numbers are put in another order, and beyond they are hashed. */
const permutedDigits = 9
const permutedBits = 32
/** What a number without a bound of its own becomes. */
const freeDigits = 18

/** Hashes integers of `bits` bits, signed, into the same range. */
export function integerHash(bits: 16 | 32 | 64, key: Uint8Array): (value: bigint) => bigint {
  if (bits > permutedBits) return (value) => keyedHash(key, `integer\0${value}`).readBigInt64BE()
  const half = 2 ** (bits - 1)
  const permutation = new KeyedPermutation(key, 2 * half)
  return (value) => BigInt(permutation.of(Number(value) + half) - half)
}

/**
 * Hashes decimal numbers. Those that are equal give the same, however many zeros they end in.
 * @param bounds of the type: how many digits there are, and how many of them behind the point; undefined where it has none
 * @returns the new one as text; undefined for what is no decimal number of the type, such as NaN
 */
export function decimalHash(
  bounds: { readonly precision: number; readonly scale: number } | undefined,
  key: Uint8Array,
): (text: string) => string | undefined {
  if (bounds === undefined)
    return (text) => {
      const equal = withoutZeros(text)
      return equal === undefined ? undefined : String(hashed(equal, freeDigits, key))
    }
  const { precision, scale } = bounds
  if (precision > permutedDigits)
    return (text) => {
      const equal = withoutZeros(text)
      if (equal === undefined) return undefined
      return scaled(hashed(equal, Math.min(precision, freeDigits), key), scale)
    }
  const most = 10 ** precision - 1
  const permutation = new KeyedPermutation(key, 2 * most + 1)
  return (text) => {
    const whole = unscaled(text, scale)
    if (whole === undefined || whole < -most || whole > most) return undefined
    return scaled(BigInt(permutation.of(whole + most) - most), scale)
  }
}

/**
 * Other digits in the same places: as many of them, none in front that a number would not begin with.
 * @param text a decimal number as PostgreSQL writes it
 * @returns undefined where it is none, or where none fits
 */
export function otherNumber(
  text: string,
  key: Uint8Array,
  fits: (text: string) => boolean,
): string | undefined {
  const [, sign = '', whole = '', rest = ''] = decimal.exec(text) ?? []
  if (whole === '') return undefined
  const next = keyedDigits(key, text)
  const first = (): string => {
    if (whole.length > 1) return String(1 + next(9))
    return whole === '0' && rest !== '' ? '0' : String(next(10))
  }
  const other = (digits: string): string => digits.replace(/\d/g, () => String(next(10)))
  for (let draws = 0; draws < maxDraws; draws++) {
    const drawn = `${first()}${other(whole.slice(1))}${other(rest)}`
    const signed = /[1-9]/.test(drawn) ? sign + drawn : drawn
    if (fits(signed)) return signed
  }
  return undefined
}

const decimal = /^(-?)(\d+)(\.\d+)?$/

function hashed(text: string, digits: number, key: Uint8Array): bigint {
  const bytes = keyedHash(key, `decimal\0${text}`)
  return ((bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8)) % 10n ** BigInt(digits)
}

function withoutZeros(text: string): string | undefined {
  if (!decimal.test(text)) return undefined
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** `1.5` with a scale of 2 is 150; with a scale below 0, 1500 is 15. */
function unscaled(text: string, scale: number): number | undefined {
  const [, sign = '', whole = '', rest = ''] = decimal.exec(text) ?? []
  if (whole === '') return undefined
  if (scale < 0) return Number(sign + whole) / 10 ** -scale
  const behind = rest.slice(1).replace(/0+$/, '')
  return behind.length > scale ? undefined : Number(`${sign}${whole}${behind.padEnd(scale, '0')}`)
}

function scaled(unscaled: bigint, scale: number): string {
  if (scale <= 0) return unscaled === 0n ? '0' : `${unscaled}${'0'.repeat(-scale)}`
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
