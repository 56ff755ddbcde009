import { spansOf, type Detector } from '../detector.ts'

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
}
