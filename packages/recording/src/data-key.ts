import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  randomBytes,
  type KeyObject,
} from 'node:crypto'

/**
 * A key for one file, and the form in which the file carries it: sealed by the gateway's key, bound to the file's name.
 * AES-256-GCM throughout (NIST SP 800-38D): 12 bytes of nonce, 16 of tag.
 */
export interface DataKey {
  readonly key: KeyObject
  readonly sealed: Buffer
}

/** Which gateway key sealed it (8 bytes), nonce, key and tag. */
export const sealedKeyBytes = 8 + 12 + 32 + 16

export function newDataKey(gatewayKey: KeyObject, name: string): DataKey {
  const raw = randomBytes(32)
  const nonce = randomBytes(12)
  const sealed = Buffer.concat([
    gatewayKeyId(gatewayKey),
    nonce,
    encrypt(gatewayKey, nonce, Buffer.from(name), raw),
  ])
  return { key: createSecretKey(raw), sealed }
}

/** @throws Error where another key sealed it, or the file bears another name */
export function openDataKey(gatewayKey: KeyObject, name: string, sealed: Buffer): DataKey {
  if (!sealed.subarray(0, 8).equals(gatewayKeyId(gatewayKey)))
    throw new Error('its key is sealed by another gateway key')
  const raw = decrypt(gatewayKey, sealed.subarray(8, 20), Buffer.from(name), sealed.subarray(20))
  return { key: createSecretKey(raw), sealed }
}

/** @returns ciphertext and tag */
export function encrypt(key: KeyObject, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  if (aad.length > 0) cipher.setAAD(aad)
  const ciphertext = cipher.update(plain)
  cipher.final()
  return Buffer.concat([ciphertext, cipher.getAuthTag()])
}

/** @throws Error where anything was changed */
export function decrypt(key: KeyObject, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.length < tagBytes) throw new Error('it is cut off')
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(aad)
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  const plain = decipher.update(sealed.subarray(0, sealed.length - tagBytes))
  decipher.final()
  return plain
}

const tagBytes = 16

function gatewayKeyId(gatewayKey: KeyObject): Buffer {
  return hash(
    'sha256',
    Buffer.concat([Buffer.from('sallyport gateway key\n'), gatewayKey.export()]),
    'buffer',
  ).subarray(0, 8)
}
