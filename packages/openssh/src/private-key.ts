import { constants, createPrivateKey, generateKeyPairSync, hash, sign, type KeyObject } from 'node:crypto'
import { Secret } from '@sallyport/core'
import { curveOf, keyTypeNamed, publicKeyOf, type KeyType, type PublicKey } from './public-key.ts'
import { signatureAlgorithms } from './signature.ts'
import { Malformed, padded, WireReader, WireWriter, withoutZeros } from './wire.ts'

/** A private key, found to belong to its public half. It does not print itself. */
export class PrivateKey {
  readonly #object: KeyObject
  readonly publicKey: PublicKey
  /** Of no weight; OpenSSH keeps it with the key. */
  readonly comment: string

  /** @throws Malformed where it is of a type that is not supported, or too weak */
  constructor(object: KeyObject, comment = '') {
    this.#object = object
    this.publicKey = publicKeyOf(object)
    this.comment = comment
  }

  /**
   * A signature as SSH carries it.
   * @param algorithm one of {@link signatureAlgorithms}; the first where absent
   * @throws RangeError where the key does not sign by that
   */
  sign(data: Uint8Array, algorithm = signatureAlgorithms(this.publicKey.type)[0] ?? ''): Buffer {
    const { type } = this.publicKey
    if (!signatureAlgorithms(type).includes(algorithm))
      throw new RangeError(`a key of type ${type} does not sign by ${algorithm}`)
    return new WireWriter().string(algorithm).string(this.#signed(data, algorithm)).done()
  }

  /** OpenSSH's own form, without a passphrase. The same each time. @see OpenSSH's PROTOCOL.key */
  toOpenSsh(): Secret {
    const fields = this.#privateFields()
    const check = hash('sha256', fields, 'buffer').readUInt32BE()
    const inner = new WireWriter().uint32(check).uint32(check).bytes(fields).string(this.comment).done()
    const padding = Buffer.from(
      paddingBytes.subarray(0, (blockBytes - (inner.length % blockBytes)) % blockBytes),
    )
    const whole = new WireWriter()
      .bytes(magic)
      .string('none')
      .string('none')
      .string('')
      .uint32(1)
      .string(this.publicKey.blob)
      .string(Buffer.concat([inner, padding]))
      .done()
    const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
    return new Secret(`${[openSshBegin, ...lines, openSshEnd].join('\n')}\n`)
  }

  /** PKCS #8, PEM, without a passphrase. It has no place for the comment. */
  toPkcs8(): Secret {
    return new Secret(this.#object.export({ type: 'pkcs8', format: 'pem' }).toString())
  }

  #signed(data: Uint8Array, algorithm: string): Uint8Array {
    const { type } = this.publicKey
    if (type === 'ssh-ed25519') return sign(null, data, this.#object)
    if (type === 'ssh-rsa')
      return sign(algorithm === 'rsa-sha2-256' ? 'sha256' : 'sha512', data, {
        key: this.#object,
        padding: constants.RSA_PKCS1_PADDING,
      })
    const curve = curveOf(type)
    const pair = sign(curve.digest, data, { key: this.#object, dsaEncoding: 'ieee-p1363' })
    return new WireWriter().mpint(pair.subarray(0, curve.bytes)).mpint(pair.subarray(curve.bytes)).done()
  }

  #privateFields(): Buffer {
    const { type, blob } = this.publicKey
    const jwk = this.#object.export({ format: 'jwk' })
    const field = (name: 'd' | 'x' | 'n' | 'e' | 'p' | 'q' | 'qi'): Buffer =>
      Buffer.from(String(jwk[name]), 'base64url')
    if (type === 'ssh-ed25519')
      return new WireWriter()
        .bytes(blob)
        .string(Buffer.concat([field('d'), field('x')]))
        .done()
    if (type === 'ssh-rsa') {
      const writer = new WireWriter().string(type)
      for (const name of ['n', 'e', 'd', 'qi', 'p', 'q'] as const) writer.mpint(field(name))
      return writer.done()
    }
    return new WireWriter().bytes(blob).mpint(field('d')).done()
  }
}

/** A fresh Ed25519 key. */
export function generatePrivateKey(comment = ''): PrivateKey {
  return new PrivateKey(generateKeyPairSync('ed25519').privateKey, comment)
}

/** The Ed25519 key of a seed. @throws RangeError where it is not 32 bytes long @see RFC 8032 section 5.1.5 */
export function privateKeyFromSeed(seed: Uint8Array, comment = ''): PrivateKey {
  if (seed.byteLength !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes`)
  const key = Buffer.concat([ed25519Pkcs8, seed])
  return new PrivateKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }), comment)
}

/** Whether it is meant to be a private key rather than a password, whichever form it has. */
export function looksLikePrivateKey(text: Secret): boolean {
  return /^-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/m.test(text.reveal())
}

/**
 * Reads OpenSSH's form, PKCS #8, SEC 1 and PKCS #1, without a passphrase.
 * @throws Malformed without a word of the key
 */
export function parsePrivateKey(text: Secret): PrivateKey {
  const pem = text.reveal().trim()
  if (pem.length > maxPemCharacters) throw new Malformed('too long for a private key')
  if (pem.startsWith(openSshBegin)) return parseOpenSsh(pem)
  if (/BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem))
    throw new Malformed('a private key with a passphrase')
  let object
  try {
    object = createPrivateKey(pem)
  } catch {
    throw new Malformed('not a private key')
  }
  return new PrivateKey(object)
}

function parseOpenSsh(pem: string): PrivateKey {
  const encoded = pem.slice(openSshBegin.length, -openSshEnd.length).replaceAll(/\s/g, '')
  const bytes = Buffer.from(encoded, 'base64')
  if (!pem.endsWith(openSshEnd) || bytes.toString('base64') !== encoded)
    throw new Malformed('not a private key')
  const reader = new WireReader(bytes)
  if (!reader.take(Math.min(magic.length, reader.left)).equals(magic))
    throw new Malformed('not a private key')
  const [cipher, derivation] = [reader.text(), reader.text()]
  const options = reader.string()
  if (cipher !== 'none' || derivation !== 'none') throw new Malformed('a private key with a passphrase')
  if (options.length > 0) throw new Malformed('options of a passphrase, and none')
  if (reader.uint32() !== 1) throw new Malformed('another number of private keys than one')
  const blob = reader.string()
  const inner = new WireReader(reader.string())
  reader.end()
  if (inner.uint32() !== inner.uint32()) throw new Malformed('a private key that does not hold together')
  const type = keyTypeNamed(inner.text())
  const object = type === undefined ? undefined : readPrivate(type, inner)
  if (object === undefined) throw new Malformed('a type of private key that is not supported')
  const key = new PrivateKey(object, inner.text())
  const padding = inner.take(inner.left)
  if (padding.length >= blockBytes || !padding.equals(paddingBytes.subarray(0, padding.length)))
    throw new Malformed('a private key that ends as none does')
  if (!key.publicKey.blob.equals(blob)) throw new Malformed('halves of two keys')
  return key
}

function readPrivate(type: KeyType, reader: WireReader): KeyObject | undefined {
  switch (type) {
    case 'ssh-ed25519': {
      const publicHalf = reader.string()
      const both = reader.string()
      if (both.length !== 2 * seedBytes || !both.subarray(seedBytes).equals(publicHalf))
        throw new Malformed('halves of two keys')
      return imported({ kty: 'OKP', crv: 'Ed25519', d: both.subarray(0, seedBytes), x: publicHalf })
    }
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521': {
      const curve = curveOf(type)
      if (reader.text() !== curve.name) throw new Malformed('a key of another curve than it says')
      const point = reader.string()
      if (point.length !== 1 + 2 * curve.bytes) throw new Malformed('a point that is not whole')
      return imported({
        kty: 'EC',
        crv: curve.jwkName,
        x: point.subarray(1, 1 + curve.bytes),
        y: point.subarray(1 + curve.bytes),
        d: padded(reader.mpint(), curve.bytes),
      })
    }
    case 'ssh-rsa': {
      const [n, e, d, qi, p, q] = [
        reader.mpint(),
        reader.mpint(),
        reader.mpint(),
        reader.mpint(),
        reader.mpint(),
        reader.mpint(),
      ]
      return imported({ kty: 'RSA', n, e, d, p, q, dp: reduced(d, p), dq: reduced(d, q), qi })
    }
    // What a security key keeps of its key is a handle: nothing can sign with it here.
    case 'sk-ssh-ed25519@openssh.com':
    case 'sk-ecdsa-sha2-nistp256@openssh.com':
      return undefined
  }
}

/** `d` modulo a prime less one, as PKCS #1 keeps it. */
function reduced(d: Buffer, prime: Buffer): Uint8Array {
  const below = numberOf(prime) - 1n
  if (below <= 0n) throw new Malformed('not a private key')
  const digits = (numberOf(d) % below).toString(16)
  return withoutZeros(Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex'))
}

function numberOf(magnitude: Buffer): bigint {
  return BigInt(`0x0${magnitude.toString('hex')}`)
}

function imported(fields: Readonly<Record<string, string | Uint8Array>>): KeyObject {
  const key = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : Buffer.from(value).toString('base64url'),
    ]),
  )
  try {
    return createPrivateKey({ key, format: 'jwk' })
  } catch {
    throw new Malformed('not a private key')
  }
}

const magic = Buffer.from('openssh-key-v1\0')
const openSshBegin = '-----BEGIN OPENSSH PRIVATE KEY-----'
const openSshEnd = '-----END OPENSSH PRIVATE KEY-----'
/** Of the cipher `none`. */
const blockBytes = 8
const paddingBytes = Buffer.of(1, 2, 3, 4, 5, 6, 7)
const seedBytes = 32
/** What stands before the seed of an Ed25519 key in PKCS #8. @see RFC 8410 section 7 */
const ed25519Pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')
/** An RSA key of 16 384 bits has 13 KiB. */
const maxPemCharacters = 32 * 1024
