import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { Secret } from '@sallyport/core'
import { masterKeyBytes } from './master-key.ts'

/** A sealed value does not open. It says which one, and never what is in it. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/**
 * Seals secrets at rest: AES-256-GCM under a master key that is kept outside the store. The context (what the secret is for) is
 * authenticated with it, so that one blob cannot be put in another's place.
 *
 * Layout: version (1), key id (8), nonce (12), ciphertext, tag (16). Authenticated with it: version, key id, context.
 */
export class SealedBox {
  readonly #current: MasterKey
  /** The one before, while what was sealed under it is being sealed anew. */
  readonly #previous: MasterKey | undefined
  /** What keys for other purposes are derived from. */
  readonly #root: KeyObject

  /** @throws RangeError where a key is not 32 bytes long */
  constructor(masterKey: Uint8Array, previous?: Uint8Array, root: KeyObject = rootOf(masterKey)) {
    this.#current = new MasterKey(masterKey)
    this.#previous = previous === undefined ? undefined : new MasterKey(previous)
    this.#root = root
  }

  /** A key of 32 bytes from it for another purpose, so that no key serves two. @see RFC 5869 section 2.3 */
  derive(purpose: string): Buffer {
    return createHmac('sha256', this.#root).update(`sallyport ${purpose}`).update(Buffer.of(1)).digest()
  }

  /** Random nonces: good for 2^32 values under one key. @see NIST SP 800-38D §8.3 */
  seal(context: string, plain: Uint8Array): Buffer {
    return this.#current.seal(context, plain)
  }

  /** @throws SealError where it was sealed under another key or for another context, or was altered */
  open(context: string, sealed: Uint8Array): Buffer {
    const bytes = Buffer.from(sealed)
    if (bytes.byteLength < headBytes + nonceBytes + tagBytes || bytes[0] !== version)
      throw new SealError(`not a sealed value: ${context}`)
    const key = [this.#current, this.#previous].find((one) => one?.sealed(bytes))
    if (key === undefined) throw new SealError(`sealed under another master key: ${context}`)
    return key.open(context, bytes)
  }

  /** Was this sealed under the key before? */
  isOutdated(value: Uint8Array): boolean {
    return this.#previous !== undefined && this.#previous.sealed(Buffer.from(value))
  }

  sealText(context: string, plain: Secret): Buffer {
    return this.seal(context, Buffer.from(plain.reveal()))
  }

  /** @throws SealError */
  openText(context: string, sealed: Uint8Array): Secret {
    return new Secret(this.open(context, sealed).toString('utf8'))
  }
}

/** One key, and its id: how every blob that it sealed begins. */
class MasterKey {
  readonly #key: KeyObject
  readonly #head: Buffer

  constructor(bytes: Uint8Array) {
    if (bytes.byteLength !== masterKeyBytes)
      throw new RangeError(`the master key has ${masterKeyBytes} bytes`)
    this.#key = createSecretKey(bytes)
    const id = hash('sha256', Buffer.concat([Buffer.from('sallyport key id\0'), bytes]), 'buffer')
    this.#head = Buffer.concat([Buffer.of(version), id.subarray(0, idBytes)])
  }

  sealed(bytes: Buffer): boolean {
    return bytes.subarray(0, headBytes).equals(this.#head)
  }

  seal(context: string, plain: Uint8Array): Buffer {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(this.#bound(context))
    return Buffer.concat([this.#head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  open(context: string, bytes: Buffer): Buffer {
    const nonce = bytes.subarray(headBytes, headBytes + nonceBytes)
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: tagBytes })
      .setAAD(this.#bound(context))
      .setAuthTag(bytes.subarray(-tagBytes))
    try {
      const text = bytes.subarray(headBytes + nonceBytes, -tagBytes)
      return Buffer.concat([decipher.update(text), decipher.final()])
    } catch {
      throw new SealError(`the sealed value was altered: ${context}`)
    }
  }

  #bound(context: string): Buffer {
    return Buffer.concat([this.#head, Buffer.from(context)])
  }
}

/**
 * What keys for other purposes are derived from, of a master key that is the first one. It leads back to no master key, so that a later
 * one may keep it. @see RFC 5869 section 2.2
 */
export function rootOf(masterKey: Uint8Array): KeyObject {
  return createSecretKey(createHmac('sha256', Buffer.alloc(32)).update(masterKey).digest())
}

const version = 1
const idBytes = 8
const headBytes = 1 + idBytes
const nonceBytes = 12
const tagBytes = 16
