import { hasDigits, spansOf, type Detector } from '../detector.ts'

/** 13 to 19 digits, bare or in groups parted by single spaces or dashes; not inside a longer number, word or UUID. */
const pattern =
  /(?<![\dA-Za-z._-])(?:\d{13,19}|\d{4}(?:[ -]\d{4}){2}(?:[ -]\d{1,7})|\d{4}[ -]\d{6}[ -]\d{5})(?![\dA-Za-z_-]|\.\d)/g

/** Issuer ranges with their lengths. ISO/IEC 7812; Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Maestro. */
const issuers: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^3(0[0-5]|[689])/, [14, 16, 19]],
  [/^6(011|5|4[4-9]|22)/, [16, 19]],
  [/^35(2[89]|[3-8])/, [16, 19]],
  [/^62/, [16, 17, 18, 19]],
  [/^(5018|5020|5038|6304|6759|676[1-3])/, [13, 14, 15, 16, 17, 18, 19]],
]

export const card: Detector = {
  name: 'card',
  tag: 'pii.card',
  mayOccur: (bytes) => hasDigits(bytes, 13),
  find: (text) => spansOf(pattern, text, isCard),
}

function isCard(match: string): boolean {
  const digits = match.replace(/[ -]/g, '')
  return (
    issuers.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length)) &&
    luhn(digits)
  )
}

/** ISO/IEC 7812-1 annex B. */
export function luhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 0x30
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2
    sum += digit
  }
  return sum % 10 === 0
}
