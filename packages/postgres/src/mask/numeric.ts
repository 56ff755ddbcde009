/**
 * The binary form of numeric: how many digits to the base of 10,000, the weight of the first, the sign, how many decimal digits are shown
 * behind the point, and the digits; 16 bits each.
 * @see PostgreSQL source, numeric.c, numeric_send
 */

const base = 4
const negative = 0x4000
const headBytes = 8
/** @see PostgreSQL documentation, "Arbitrary Precision Numbers" */
const maxScale = 16_383

/** Undefined for NaN, the infinities, and what is none. */
export function textOfNumeric(bytes: Buffer): string | undefined {
  if (bytes.length < headBytes) return undefined
  const [count, weight, sign, scale] = [
    bytes.readUInt16BE(0),
    bytes.readInt16BE(2),
    bytes.readUInt16BE(4),
    bytes.readUInt16BE(6),
  ]
  if (bytes.length !== headBytes + 2 * count || (sign !== 0 && sign !== negative)) return undefined
  if (scale > maxScale) return undefined
  const digitAt = (place: number): string => {
    const at = weight - place
    const digit = at >= 0 && at < count ? bytes.readUInt16BE(headBytes + 2 * at) : 0
    return String(digit).padStart(base, '0')
  }
  let whole = ''
  for (let place = Math.max(weight, 0); place >= 0; place--) whole += digitAt(place)
  let rest = ''
  for (let place = -1; rest.length < scale; place--) rest += digitAt(place)
  const shown = whole.replace(/^0+(?=\d)/, '') + (scale === 0 ? '' : `.${rest.slice(0, scale)}`)
  return sign === negative ? `-${shown}` : shown
}

/** @param text a decimal number without an exponent, within what the type holds */
export function bytesOfNumeric(text: string): Buffer {
  const [, sign = '', whole = '', rest = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  const left = whole.padStart(Math.ceil(whole.length / base) * base, '0')
  const right = rest.padEnd(Math.ceil(rest.length / base) * base, '0')
  let digits = Array.from((left + right).match(/\d{4}/g) ?? [], Number)
  let weight = left.length / base - 1
  const first = digits.findIndex((digit) => digit !== 0)
  weight -= Math.max(first, 0)
  digits = first === -1 ? [] : digits.slice(first, digits.findLastIndex((digit) => digit !== 0) + 1)
  const bytes = Buffer.alloc(headBytes + 2 * digits.length)
  bytes.writeUInt16BE(digits.length, 0)
  bytes.writeInt16BE(digits.length === 0 ? 0 : weight, 2)
  bytes.writeUInt16BE(sign === '' || digits.length === 0 ? 0 : negative, 4)
  bytes.writeUInt16BE(rest.length, 6)
  digits.forEach((digit, i) => bytes.writeUInt16BE(digit, headBytes + 2 * i))
  return bytes
}

/** How many digits a modifier allows, and how many of them behind the point; undefined where it says nothing. @see numeric_typmod_precision */
export function boundsOf(typmod: number): { readonly precision: number; readonly scale: number } | undefined {
  if (typmod < 4) return undefined
  const modifier = typmod - 4
  return { precision: modifier >> 16, scale: ((modifier & 0x7ff) ^ 1024) - 1024 }
}
