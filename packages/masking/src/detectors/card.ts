import { add, bytesLike, isDigit, runFrom, type Detector, type Span } from '../detector.ts'

/**
 * 13 to 19 digits, bare or in the groups that are printed, parted by single spaces or dashes; not inside a longer number,
 * word or UUID. It begins with a digit, so that text without any is passed over fast.
 */
const pattern =
  /\d(?<![\dA-Za-z._-]\d)(?:\d{12,18}|\d{3}(?:[ -]\d{4}){2}[ -]\d{1,7}|\d{3}[ -]\d{6}[ -]\d{4,5}|\d{3}(?:[ -]\d{4}){3}[ -]\d{3})(?![\dA-Za-z_-]|\.\d)/g
/** The longest printed form begins like one that is shorter. */
const longest = /\d{4}(?:[ -]\d{4}){3}[ -]\d{3}(?![\dA-Za-z_-]|\.\d)/y

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

const leastDigits = 13

export const card: Detector = {
  name: 'card',
  tag: 'pii.card',
  // What a card number may not stand behind is no anchor; bytes of other scripts are.
  isAnchor: (byte) => !/[\dA-Za-z._-]/.test(String.fromCharCode(byte)) || byte > 0x7f,
  isAnchoredInFront: true,
  mayBeAt(bytes, at, _from, to) {
    if (!isDigit(bytes[at + 1])) return false
    let digits = 0
    let wasSeparator = false
    for (let i = at + 1; i < to; i++) {
      const byte = bytes[i]!
      const isSeparator = byte === 0x20 || byte === 0x2d
      if (isSeparator ? wasSeparator : !isDigit(byte)) return false
      wasSeparator = isSeparator
      if (!isSeparator && ++digits === leastDigits) return true
    }
    return false
  },
  find(text) {
    const spans: Span[] = []
    pattern.lastIndex = 0
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const from = match.index
      const long = longestAt(text, from)
      const found = long !== undefined && isCard(long) ? long : match[0]
      if (found === long || isCard(found)) add(spans, { from, to: from + found.length })
      pattern.lastIndex = from + 1 // groups in front of a card may make another with its first ones
    }
    return spans
  },
  openFrom: (bytes, from, to) => runFrom(bytes, from, to, open),
}

/** The longest is 19 digits and 4 separators; what follows it may be two more. */
const open = { set: bytesLike(/[\d .-]/), begins: bytesLike(/\d/), most: 28 }

function longestAt(text: string, from: number): string | undefined {
  if (text.charCodeAt(from + 4) >= 0x30) return undefined // no group ends here
  longest.lastIndex = from
  return longest.exec(text)?.[0]
}

function isCard(match: string): boolean {
  if (!luhn(match)) return false
  const digits = match.replace(/[ -]/g, '')
  return issuers.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length))
}

/** ISO/IEC 7812-1 annex B. What is no digit does not count. */
export function luhn(text: string): boolean {
  let sum = 0
  let isDoubled = false
  for (let i = text.length - 1; i >= 0; i--) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) continue
    if (!isDoubled) sum += digit
    else sum += digit > 4 ? digit * 2 - 9 : digit * 2
    isDoubled = !isDoubled
  }
  return sum % 10 === 0
}
