import { createPrivateKey, createPublicKey } from 'node:crypto'
import { encodeFields } from '../connection/messages.ts'

/** The key by which clients know this gateway. */
export interface OwnHostKey {
  /** OpenSSH's form. Secret. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA…`. */
  readonly publicKey: string
}

const type = 'ssh-ed25519'
/** PKCS #8 around a seed: RFC 8410 section 7. */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Of a public key in SubjectPublicKeyInfo, what is before it. */
const spkiHeadBytes = 12

/** @param seed 32 secret bytes, always the same for one gateway */
export function ownHostKey(seed: Uint8Array): OwnHostKey {
  const pkcs8 = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(pkcs8).export({ format: 'der', type: 'spki' }).subarray(spkiHeadBytes)
  const blob = encodeFields([type, raw])
  return { privateKey: inOpenSsh(seed, raw, blob), publicKey: `${type} ${blob.toString('base64')}` }
}

/** @see OpenSSH's PROTOCOL.key */
function inOpenSsh(seed: Uint8Array, raw: Uint8Array, blob: Buffer): string {
  const check = 0
  const secret = encodeFields([check, check, type, raw, Buffer.concat([seed, raw]), ''])
  const padding = Buffer.from(Array.from({ length: -secret.length & 7 }, (_, i) => i + 1))
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    encodeFields(['none', 'none', '', 1, blob, Buffer.concat([secret, padding])]),
  ])
  const lines = body.toString('base64').replace(/.{70}/g, '$&\n')
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`
}
