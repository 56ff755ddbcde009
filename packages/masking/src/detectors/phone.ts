import { hasDigits, spansOf, type Detector } from '../detector.ts'

/**
 * International numbers with their plus (E.164), and North American ones in their usual grouping. Bare digit runs are
 * not phones: order numbers look the same.
 */
const pattern =
  /(?<![\w+.-])(?:\+[1-9]\d{0,3}(?:[ .-]?\(?\d{1,5}\)?){1,6}|(?:1[ .-])?(?:\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4}))(?![\w-]|\.\d)/g

export const phone: Detector = {
  name: 'phone',
  tag: 'pii.phone',
  mayOccur: (bytes) => hasDigits(bytes, 7),
  find: (text) =>
    spansOf(pattern, text, () => true).flatMap(({ from, to }) => {
      const length = lengthOf(text.slice(from, to))
      return length === 0 ? [] : [{ from, to: from + length }]
    }),
}

/** Of the number that a match begins with; 0 where it is none. Groups of another number may follow one: 15 digits are the most. */
function lengthOf(match: string): number {
  const digitsOf = (end: number): number => match.slice(0, end).replace(/\D/g, '').length
  let end = match.length
  while (end > 0 && digitsOf(end) > 15) end = match.slice(0, end).search(/[ .-][^ .-]*$/)
  return digitsOf(Math.max(0, end)) >= (match.startsWith('+') ? 8 : 10) ? end : 0
}
