import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
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
  readonly #key: KeyObject
  /** Version and key id: how every blob of this box begins. */
  readonly #head: Buffer

  /** @throws RangeError where the key is not 32 bytes long */
  constructor(masterKey: Uint8Array) {
    if (masterKey.byteLength !== masterKeyBytes)
      throw new RangeError(`the master key has ${masterKeyBytes} bytes`)
    this.#key = createSecretKey(masterKey)
    const id = hash('sha256', Buffer.concat([Buffer.from('sallyport key id\0'), masterKey]), 'buffer')
    this.#head = Buffer.concat([Buffer.of(version), id.subarray(0, idBytes)])
  }

  /** A key of 32 bytes from it for another purpose, so that no key serves two. @see RFC 5869 */
  derive(purpose: string): Buffer {
    return Buffer.from(
      hkdfSync('sha256', this.#key, new Uint8Array(), `sallyport ${purpose}`, masterKeyBytes),
    )
  }

  /** Random nonces: good for 2^32 values under one key. @see NIST SP 800-38D §8.3 */
  seal(context: string, plain: Uint8Array): Buffer {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(this.#bound(context))
    return Buffer.concat([this.#head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  /** @throws SealError where it was sealed under another key or for another context, or was altered */
  open(context: string, sealed: Uint8Array): Buffer {
    const bytes = Buffer.from(sealed)
    if (bytes.byteLength < headBytes + nonceBytes + tagBytes || bytes[0] !== version)
      throw new SealError(`not a sealed value: ${context}`)
    if (!bytes.subarray(0, headBytes).equals(this.#head))
      throw new SealError(`sealed under another master key: ${context}`)
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

  sealText(context: string, plain: Secret): Buffer {
    return this.seal(context, Buffer.from(plain.reveal()))
  }

  /** @throws SealError */
  openText(context: string, sealed: Uint8Array): Secret {
    return new Secret(this.open(context, sealed).toString('utf8'))
  }

  #bound(context: string): Buffer {
    return Buffer.concat([this.#head, Buffer.from(context)])
  }
}

const version = 1
const idBytes = 8
const headBytes = 1 + idBytes
const nonceBytes = 12
const tagBytes = 16
