import { constants, hash, verify } from 'node:crypto'
import { curveOf, type KeyType, type PublicKey } from './public-key.ts'
import { Malformed, padded, WireReader } from './wire.ts'

/** A signature as SSH carries it. */
export interface Signature {
  /** Such as `rsa-sha2-256`: of RSA keys it is not the key's type. */
  readonly algorithm: string
  readonly bytes: Buffer
  /** What a security key says of the moment at which it signed. */
  readonly touch?: Touch
}

export interface Touch {
  readonly flags: number
  readonly counter: number
}

/** @throws Malformed */
export function parseSignature(blob: Uint8Array): Signature {
  const reader = new WireReader(blob)
  const algorithm = reader.text()
  const bytes = reader.string()
  const touch = algorithm.startsWith('sk-')
    ? { touch: { flags: reader.uint8(), counter: reader.uint32() } }
    : {}
  reader.end()
  return { algorithm, bytes, ...touch }
}

/** The algorithms that a key may sign by. Never `ssh-rsa`, which is SHA-1. */
export function signatureAlgorithms(type: KeyType): readonly string[] {
  return type === 'ssh-rsa' ? rsaAlgorithms : [type]
}

/**
 * Whether the key signed the data. Of security keys: and whether somebody touched it for that.
 * @param demands `verified`: and proved with a PIN or a finger who they are, as a certificate's `verify-required` asks
 */
export function verifySignature(
  key: PublicKey,
  signature: Signature | Uint8Array,
  data: Uint8Array,
  demands: 'present' | 'verified' = 'present',
): boolean {
  try {
    const parsed = signature instanceof Uint8Array ? parseSignature(signature) : signature
    return (
      signatureAlgorithms(key.type).includes(parsed.algorithm) &&
      isTouched(key, parsed.touch, demands) &&
      isSigned(key, parsed, data)
    )
  } catch (thrown) {
    if (thrown instanceof Malformed) return false
    throw thrown
  }
}

function isTouched(key: PublicKey, touch: Signature['touch'], demands: 'present' | 'verified'): boolean {
  if (key.application === undefined) return demands === 'present'
  const needed = demands === 'verified' ? userPresent | userVerified : userPresent
  return touch !== undefined && (touch.flags & needed) === needed
}

function isSigned(key: PublicKey, signature: Signature, data: Uint8Array): boolean {
  const signed = signedOf(key, signature.touch, data)
  switch (key.type) {
    case 'ssh-ed25519':
    case 'sk-ssh-ed25519@openssh.com':
      return (
        signature.bytes.length === ed25519SignatureBytes && verify(null, signed, key.object, signature.bytes)
      )
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const curve = curveOf(key.type)
      const reader = new WireReader(signature.bytes)
      const r = padded(reader.mpint(), curve.bytes)
      const s = padded(reader.mpint(), curve.bytes)
      reader.end()
      const whole = Buffer.concat([r, s])
      return verify(curve.digest, signed, { key: key.object, dsaEncoding: 'ieee-p1363' }, whole)
    }
    case 'ssh-rsa': {
      const digest = signature.algorithm === 'rsa-sha2-512' ? 'sha512' : 'sha256'
      const { modulusLength = 0 } = key.object.asymmetricKeyDetails ?? {}
      // Some leave out leading zeros, as with a number.
      const whole = padded(signature.bytes, Math.ceil(modulusLength / 8))
      return verify(digest, signed, { key: key.object, padding: constants.RSA_PKCS1_PADDING }, whole)
    }
  }
}

/** What is signed: the data, or what a security key makes of it. @see OpenSSH's PROTOCOL.u2f, "SSH U2F Signatures" */
function signedOf(key: PublicKey, touch: Signature['touch'], data: Uint8Array): Uint8Array {
  if (key.application === undefined || touch === undefined) return data
  const moment = Buffer.alloc(5)
  moment.writeUInt8(touch.flags)
  moment.writeUInt32BE(touch.counter, 1)
  return Buffer.concat([hash('sha256', key.application, 'buffer'), moment, hash('sha256', data, 'buffer')])
}

/** @see RFC 8332: PKCS #1 v1.5 with SHA-2 */
const rsaAlgorithms = ['rsa-sha2-512', 'rsa-sha2-256']
const ed25519SignatureBytes = 64
/** @see Web Authentication, section 6.1 */
const userPresent = 0x01
const userVerified = 0x04
