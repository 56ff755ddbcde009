import { hasDigits, spansOf, type Detector } from '../detector.ts'

/**
 * International numbers with their plus (E.164), and North American ones in their usual grouping. Bare digit runs are
 * not phones: order numbers look the same.
 */
const pattern =
  /(?<![\w+.-])(?:\+[1-9]\d{0,3}(?:[ .-]?\(?\d{1,5}\)?){1,6}|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|\.\d)/g

export const phone: Detector = {
  name: 'phone',
  tag: 'pii.phone',
  mayOccur: (bytes) => hasDigits(bytes, 7),
  find: (text) =>
    spansOf(pattern, text, (match) => {
      const { length } = match.replace(/\D/g, '')
      return length >= (match.startsWith('+') ? 8 : 10) && length <= 15
    }),
}
