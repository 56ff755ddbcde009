import { areDigits, bytesLike, runFrom, spansOf, type Detector } from '../detector.ts'

/** United States social security numbers in their written form; areas 000 and 666 and serial 0000 are none. */
const pattern = /(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)/g

const dash = 0x2d

export const ssn: Detector = {
  name: 'ssn',
  tag: 'pii.ssn',
  // The first of its dashes.
  isAnchor: (byte) => byte === dash,
  isAnchoredInFront: false,
  mayBeAt: (bytes, at, from, to) =>
    areDigits(bytes, at + 4, 4, from, to) &&
    bytes[at + 3] === dash &&
    areDigits(bytes, at + 1, 2, from, to) &&
    areDigits(bytes, at - 3, 3, from, to),
  find: (text) => spansOf(pattern, text, (match) => !/^(000|666)|-0000$/.test(match)),
  openFrom: (bytes, from, to) => runFrom(bytes, from, to, open),
}

/** Eleven, and what follows. */
const open = { set: bytesLike(/[\d.-]/), begins: bytesLike(/\d/), most: 14 }
