import { createPublicKey, hash, type JsonWebKey, type KeyObject } from 'node:crypto'
import { Malformed, padded, WireReader, WireWriter } from './wire.ts'

/** The types of plain public keys that are in use. DSA is not. */
export const keyTypes = [
  'ssh-ed25519',
  'sk-ssh-ed25519@openssh.com',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-rsa',
] as const

export type KeyType = (typeof keyTypes)[number]

/** A plain public key, found sound: its point is on the curve, its modulus long enough. */
export interface PublicKey {
  readonly type: KeyType
  /** The one encoding that it has (RFC 4253 section 6.6): two keys are the same where their blobs are. */
  readonly blob: Buffer
  /** What verifies for it. */
  readonly object: KeyObject
  /** What a security key's signatures are bound to, such as `ssh:`. */
  readonly application?: string
}

/** @throws Malformed where it is no plain public key of a type in use, or is not whole, exact and strong enough */
export function parsePublicKey(blob: Uint8Array): PublicKey {
  const reader = new WireReader(blob)
  const type = keyTypeNamed(reader.text())
  if (type === undefined) throw new Malformed('a type of key that is not supported')
  const key = readPublicKey(type, reader)
  reader.end()
  return key
}

export function keyTypeNamed(name: string): KeyType | undefined {
  return keyTypes.find((type) => type === name)
}

/** Reads the fields that follow the type, wherever they stand: certificates carry the same. */
export function readPublicKey(type: KeyType, reader: WireReader): PublicKey {
  switch (type) {
    case 'ssh-ed25519':
    case 'sk-ssh-ed25519@openssh.com':
      return ed25519(type, reader)
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return ecdsa(type, reader)
    case 'ssh-rsa':
      return rsa(reader)
  }
}

/** The fields that follow the type, as certificates carry them too. */
export function fieldsOf(key: PublicKey): Buffer {
  return key.blob.subarray(4 + key.type.length)
}

/** `SHA256:` and 43 digits, as `ssh-keygen -l` shows it. Of a certificate too, whose own fingerprint that is. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${hash('sha256', blob, 'base64').replace(/=$/, '')}`
}

/** The public half of what Node has made or read. @throws Malformed where it is of a type that is not supported */
export function publicKeyOf(object: KeyObject): PublicKey {
  const jwk = jwkOf(object)
  const field = (name: 'x' | 'y' | 'n' | 'e'): Buffer => Buffer.from(String(jwk[name]), 'base64url')
  switch (jwk.kty) {
    case 'OKP':
      if (jwk.crv !== 'Ed25519') break
      return parsePublicKey(new WireWriter().string('ssh-ed25519').string(field('x')).done())
    case 'EC': {
      const curve = curves.find(({ jwkName }) => jwkName === jwk.crv)
      if (curve === undefined) break
      const point = Buffer.concat([
        Buffer.of(uncompressed),
        padded(field('x'), curve.bytes),
        padded(field('y'), curve.bytes),
      ])
      const writer = new WireWriter().string(`ecdsa-sha2-${curve.name}`).string(curve.name).string(point)
      return parsePublicKey(writer.done())
    }
    case 'RSA':
      return parsePublicKey(new WireWriter().string('ssh-rsa').mpint(field('e')).mpint(field('n')).done())
    default:
  }
  throw new Malformed('a type of key that is not supported')
}

function jwkOf(object: KeyObject): JsonWebKey {
  try {
    return object.export({ format: 'jwk' })
  } catch {
    throw new Malformed('a type of key that is not supported')
  }
}

/** A NIST curve, by its name in SSH. */
export interface Curve {
  readonly name: 'nistp256' | 'nistp384' | 'nistp521'
  readonly jwkName: string
  readonly digest: 'sha256' | 'sha384' | 'sha512'
  /** Of a coordinate. */
  readonly bytes: number
}

export function curveOf(type: KeyType): Curve {
  const curve = curves.find(({ name }) => type.includes(name))
  if (curve === undefined) throw new Malformed('a key of another kind than of an elliptic curve')
  return curve
}

/** What a key of an application is made of, in the order of its fields. */
function withApplication(type: KeyType, reader: WireReader, writer: WireWriter): { application?: string } {
  if (!type.startsWith('sk-')) return {}
  const application = reader.text()
  if (application === '' || application.length > maxApplicationCharacters)
    throw new Malformed('a security key of no application')
  writer.string(application)
  return { application }
}

/** @see RFC 8709, and OpenSSH's PROTOCOL.u2f */
function ed25519(type: KeyType, reader: WireReader): PublicKey {
  const bytes = reader.string()
  if (bytes.length !== ed25519Bytes) throw new Malformed('an Ed25519 key of another length')
  const writer = new WireWriter().string(type).string(bytes)
  const application = withApplication(type, reader, writer)
  const object = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') },
    format: 'jwk',
  })
  return { type, blob: writer.done(), object, ...application }
}

/** @see RFC 5656 section 3.1, and OpenSSH's PROTOCOL.u2f */
function ecdsa(type: KeyType, reader: WireReader): PublicKey {
  const curve = curveOf(type)
  if (reader.text() !== curve.name) throw new Malformed('a key of another curve than it says')
  const point = reader.string()
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== uncompressed)
    throw new Malformed('a point that is not uncompressed and whole')
  const writer = new WireWriter().string(type).string(curve.name).string(point)
  const application = withApplication(type, reader, writer)
  const x = point.subarray(1, 1 + curve.bytes).toString('base64url')
  const y = point.subarray(1 + curve.bytes).toString('base64url')
  let object
  try {
    object = createPublicKey({ key: { kty: 'EC', crv: curve.jwkName, x, y }, format: 'jwk' })
  } catch {
    throw new Malformed('a point that is not on its curve')
  }
  return { type, blob: writer.done(), object, ...application }
}

/** @see RFC 4253 section 6.6 */
function rsa(reader: WireReader): PublicKey {
  const e = reader.mpint()
  const n = reader.mpint()
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24
  if (bits < minRsaBits) throw new Malformed(`an RSA key of fewer than ${minRsaBits} bits`)
  if (bits > maxRsaBits) throw new Malformed(`an RSA key of more than ${maxRsaBits} bits`)
  const isOdd = (number: Buffer): boolean => ((number.at(-1) ?? 0) & 1) === 1
  if (!isOdd(n) || !isOdd(e) || (e.length === 1 && e[0] === 1) || e.length > maxExponentBytes)
    throw new Malformed('an RSA key that cannot be one')
  const object = createPublicKey({
    key: { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') },
    format: 'jwk',
  })
  return {
    type: 'ssh-rsa',
    blob: new WireWriter().string('ssh-rsa').mpint(e).mpint(n).done(),
    object,
  }
}

const curves: readonly Curve[] = [
  { name: 'nistp256', jwkName: 'P-256', digest: 'sha256', bytes: 32 },
  { name: 'nistp384', jwkName: 'P-384', digest: 'sha384', bytes: 48 },
  { name: 'nistp521', jwkName: 'P-521', digest: 'sha512', bytes: 66 },
]
const uncompressed = 4
const ed25519Bytes = 32
const minRsaBits = 2048
/** OpenSSL's own limit. */
const maxRsaBits = 16_384
/** A larger exponent makes verifying slow, and makes nothing safer. */
const maxExponentBytes = 8
const maxApplicationCharacters = 255
