import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Secret } from '@sallyport/core'

/** What a token opens, as its prefix says: `sp` access, `spj` the enrolment of an agent, `sps` the set-up of a user, `spd` a sign-in of a program, `spb` a browser's session, `spm` the SCIM endpoint. */
export type TokenKind = 'sp' | 'spj' | 'sps' | 'spd' | 'spb' | 'spm'

export type RandomBytes = (size: number) => Uint8Array

/**
 * A fresh token: prefix, `_`, 256 random bits in 43 base-62 digits, and a CRC-32 of all that in 6 more. The prefix and the
 * checksum let secret scanners find one, and let a mistyped one be refused without a look-up.
 * @returns the token, to be shown once, and its hash, to be kept: see {@link opaqueHash}
 */
export function mintOpaque(
  kind: TokenKind,
  random: RandomBytes = randomBytes,
): { readonly token: Secret; readonly hash: string } {
  const value = BigInt(`0x${Buffer.from(random(32)).toString('hex')}`)
  const body = `${kind}_${base62(value, valueDigits)}`
  const text = body + checksum(body)
  return { token: new Secret(text), hash: hash('sha256', text, 'hex') }
}

/**
 * What is stored of a token and looked up by: its SHA-256, hex. A look-up by it takes no care about timing, since nobody can
 * choose a token by its hash.
 * @returns undefined for what is no token of this kind, or is mistyped
 */
export function opaqueHash(kind: TokenKind, token: Secret): string | undefined {
  const text = token.reveal()
  const match = /^(sp[jsdbm]?)_[0-9A-Za-z]{49}$/.exec(text)
  if (match?.[1] !== kind) return undefined
  const body = text.slice(0, -checkDigits)
  return text.slice(-checkDigits) === checksum(body) ? hash('sha256', text, 'hex') : undefined
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), checkDigits)
}

function base62(value: bigint, digits: number): string {
  let text = ''
  for (let rest = value, i = 0; i < digits; i++, rest /= 62n)
    text = alphabet.charAt(Number(rest % 62n)) + text
  return text
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 62^43 > 2^256, 62^6 > 2^32. */
const valueDigits = 43
const checkDigits = 6
