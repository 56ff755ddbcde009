import { hasDigits, spansOf, type Detector } from '../detector.ts'

/** United States social security numbers in their written form; areas 000 and 666 and serial 0000 are none. */
const pattern = /(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)/g

export const ssn: Detector = {
  name: 'ssn',
  tag: 'pii.ssn',
  mayOccur: (bytes) => hasDigits(bytes, 9) && bytes.includes(0x2d),
  find: (text) => spansOf(pattern, text, (match) => !/^(000|666)|-0000$/.test(match)),
}
