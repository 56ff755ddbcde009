import { bytesLike, runFrom, spansOf, type Detector } from '../detector.ts'

/**
 * RFC 5321 dot-strings and host names, in any script (RFC 6531); quoted local parts are not looked for. It ends with
 * the last label that may be a top-level domain: letters, or Punycode.
 */
const pattern =
  /[\p{L}\p{M}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.){1,8}(?:xn--[a-z0-9-]{1,59}|[\p{L}\p{M}]{2,63})/gu

export const email: Detector = {
  name: 'email',
  tag: 'pii.email',
  isAnchor: (byte) => byte === 0x40,
  isAnchoredInFront: false,
  mayBeAt: (_bytes, at, from, to) => at > from && at + 1 < to,
  find: (text) => spansOf(pattern, text, () => true),
  openFrom(bytes, from, to) {
    const begun = runFrom(bytes, from, to, open)
    const isAddressed = bytes.subarray(begun, to).includes(at)
    return isAddressed ? begun : letterFrom(bytes, Math.max(begun, to - maxLocalBytes), begun)
  },
}

const at = 0x40
const set = bytesLike(/[A-Za-z\d.!#$%&'*+/=?^_`{|}~@\u0080-\u00ff-]/)
const maxLocalBytes = 64 * 4
/** Local part, domain of nine labels with their dots, all of letters of four bytes. */
const open = { set, begins: set, most: maxLocalBytes + 1 + (9 * 63 + 8) * 4 }

/** Where the letter begins that this byte is of. */
function letterFrom(bytes: Uint8Array, from: number, least: number): number {
  let start = from
  while (start > least && from - start < 3 && (bytes[start]! & 0xc0) === 0x80) start--
  return start
}
