import { add, areDigits, bytesLike, runFrom, type Detector, type Span } from '../detector.ts'

/**
 * International numbers with their plus (E.164), and North American ones in their usual grouping. Bare digit runs are
 * not phones: order numbers look the same.
 */
const pattern =
  /(?<![\w+.-])(?:\+[1-9]\d{0,3}(?:[ .-]?\(?\d{1,5}\)?){1,6}|(?:1[ .-])?(?:\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4}))(?![\w-]|\.\d)/g

/** Of a number with its plus. */
const leastDigits = 8
const plus = 0x2b
const bracket = 0x28

/** What parts groups that have no bracket. */
function isMark(byte: number): boolean {
  return byte === 0x2d || byte === 0x2e
}

export const phone: Detector = {
  name: 'phone',
  tag: 'pii.phone',
  isAnchor: (byte) => byte === plus || byte === bracket || isMark(byte),
  isAnchoredInFront: false,
  mayBeAt(bytes, at, from, to) {
    switch (bytes[at]) {
      case plus:
        return areDigits(bytes, at + 1, 1, from, to) && at + 1 + leastDigits <= to
      case bracket:
        return areDigits(bytes, at + 1, 3, from, to)
      default:
        // The first mark between bare groups.
        return (
          areDigits(bytes, at - 3, 3, from, to) &&
          areDigits(bytes, at + 1, 3, from, to) &&
          areDigits(bytes, at + 5, 4, from, to) &&
          isMark(bytes[at + 4]!)
        )
    }
  },
  find(text) {
    const spans: Span[] = []
    pattern.lastIndex = 0
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const from = match.index
      const to = from + lengthOf(match[0])
      if (from < to) add(spans, { from, to })
      pattern.lastIndex = from + 1 // another may begin in a find, which took its first digits for its own last ones
    }
    return spans
  },
  openFrom: (bytes, from, to) => runFrom(bytes, from, to, open),
}

/** The longest: a plus, 4 digits, and 6 groups of 5 with their brackets and separators; and what follows. */
const open = { set: bytesLike(/[\d +().-]/), begins: bytesLike(/[\d+(]/), most: 60 }

/**
 * Of the number that a match begins with; 0 where it is none. Groups of another number may follow one: 15 digits are the
 * most. A bracket that was opened in front of the match closes behind the find.
 */
function lengthOf(match: string): number {
  const digitsOf = (end: number): number => match.slice(0, end).replace(/\D/g, '').length
  let end = match.length
  while (digitsOf(end) > 15) end = match.slice(0, end).search(/[ .-]?\(?\d+\)?$/)
  if (match[end - 1] === ')' && !match.slice(0, end).includes('(')) end--
  return digitsOf(end) >= (match.startsWith('+') ? leastDigits : 10) ? end : 0
}
