import { isAscii } from 'node:buffer'

/** Bytes as text, and where each UTF-16 unit of it stands among them. What is no UTF-8 reads as U+FFFD, byte by byte. */
export interface Readable {
  readonly text: string
  /** @returns the index of the byte at which this unit begins; behind the last unit, how many bytes there are */
  readonly byteAt: (unit: number) => number
}

export function readable(bytes: Uint8Array, from: number, to: number): Readable {
  const part = bytes.subarray(from, to)
  if (isAscii(part)) return { text: latin1(part), byteAt: (unit) => from + unit }
  const units = new Uint16Array(part.length + 1)
  const starts = new Uint32Array(part.length + 1)
  let count = 0
  for (let at = 0; at < part.length;) {
    const { code, length } = letterAt(part, at)
    starts[count] = from + at
    if (code > 0xffff) {
      starts[count + 1] = from + at
      units[count++] = 0xd7c0 + (code >> 10)
      units[count++] = 0xdc00 + (code & 0x3ff)
    } else units[count++] = code
    at += length
  }
  starts[count] = to
  const text = Buffer.from(units.buffer, 0, 2 * count).toString('utf16le')
  return { text, byteAt: (unit) => starts[unit]! }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** One letter of UTF-8 (RFC 3629), or one byte that is none. */
function letterAt(bytes: Uint8Array, at: number): { readonly code: number; readonly length: number } {
  const first = bytes[at]!
  if (first < 0x80) return { code: first, length: 1 }
  const more =
    first >= 0xf0 && first < 0xf8
      ? 3
      : first >= 0xe0 && first < 0xf0
        ? 2
        : first >= 0xc2 && first < 0xe0
          ? 1
          : 0
  let code = first & (0x3f >> more)
  for (let i = 1; i <= more; i++) {
    const byte = bytes[at + i] ?? 0
    if ((byte & 0xc0) !== 0x80) return none
    code = (code << 6) | (byte & 0x3f)
  }
  const isLetter = more > 0 && code >= least[more]! && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return isLetter ? { code, length: more + 1 } : none
}

const least = [0, 0x80, 0x800, 0x10000]
const none = { code: 0xfffd, length: 1 }
