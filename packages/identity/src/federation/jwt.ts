import { hasNameTwice } from './json-names.ts'

/** The longest token that is read: clients' protocols take passwords of 10,000 bytes. */
export const maxJwtCharacters = 8192

export type Claims = Readonly<Record<string, unknown>>

/** A signed JWT, read and not verified: nobody vouches for a word of it. */
export interface UnverifiedJwt {
  readonly header: Claims
  readonly claims: Claims
  /** What is signed: header and claims as they were sent. The signature's own bytes may differ for the same token. */
  readonly signed: string
}

/** Why a token is not taken: for the log and for administrators, never for who shows it. Has no more of the token than claims by name. */
export interface NotTaken {
  readonly why: string
}

/** Whether a credential is to be judged as a JWT at all: one that is signed, in the compact form. RFC 7515 section 7.1 */
export function looksLikeJwt(text: string): boolean {
  return text.startsWith('ey') && text.includes('.')
}

/** Reads the compact form, and takes nothing in it that two readers could understand differently. */
export function readJwt(text: string): UnverifiedJwt | NotTaken {
  if (text.length > maxJwtCharacters) return { why: `it is longer than ${maxJwtCharacters} characters` }
  const [first = '', second = '', third = '', ...more] = text.split('.')
  if (more.length > 0 || first === '' || second === '')
    return { why: 'it is no signed token: it does not have three parts' }
  if (third === '') return { why: 'it is not signed' }
  const header = objectIn(first)
  if ('why' in header) return { why: `its header ${header.why}` }
  const claims = objectIn(second)
  if ('why' in claims) return { why: `what it claims ${claims.why}` }
  if (bytesIn(third) === undefined) return { why: 'its signature is not base64url' }
  return { header: header.object, claims: claims.object, signed: `${first}.${second}` }
}

function objectIn(part: string): { readonly object: Claims } | NotTaken {
  const bytes = bytesIn(part)
  if (bytes === undefined) return { why: 'is not base64url' }
  try {
    const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const object: unknown = JSON.parse(json)
    if (!isObject(object)) return { why: 'is no JSON object' }
    return hasNameTwice(json) ? { why: 'has a name twice' } : { object }
  } catch {
    return { why: 'is no JSON' }
  }
}

/** Undefined for what is not exactly how these bytes are written. RFC 4648 section 5, without padding */
function bytesIn(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}

export function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
