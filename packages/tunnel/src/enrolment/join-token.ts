import { randomBytes } from 'node:crypto'
import { Secret } from '@sallyport/core'

/** What an agent needs to join: a secret for the gateway, and the gateway's authority to pin at first contact. */
export interface JoinToken {
  /** 256 random bits, base64url: what the gateway knows, by its hash. */
  readonly secret: Secret
  /** SHA-256 of the authority's certificate (DER), base64url. Not secret. */
  readonly authorityFingerprint: string
}

/** A fresh secret part. */
export function newJoinSecret(): Secret {
  return new Secret(randomBytes(32).toString('base64url'))
}

/** The one string to hand to an agent: `spj_SECRET.FINGERPRINT`. */
export function formatJoinToken({ secret, authorityFingerprint }: JoinToken): Secret {
  return new Secret(`spj_${secret.reveal()}.${authorityFingerprint}`)
}

/** Undefined for anything that is not a whole join token: a cut one is the usual case. */
export function parseJoinToken(text: string): JoinToken | undefined {
  const [, secret, authorityFingerprint] = pattern.exec(text.trim()) ?? []
  if (secret === undefined || authorityFingerprint === undefined) return undefined
  return { secret: new Secret(secret), authorityFingerprint }
}

const pattern = /^spj_([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/
