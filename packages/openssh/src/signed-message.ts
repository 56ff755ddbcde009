import { hash } from 'node:crypto'
import { parsePublicKey, type PublicKey } from './public-key.ts'
import { verifySignature } from './signature.ts'
import { Malformed, maxBlobBytes, WireReader, WireWriter } from './wire.ts'

/** What `ssh-keygen -Y sign` writes: who signed something, for what use, and how. Not yet that it is so. @see OpenSSH's PROTOCOL.sshsig */
export interface MessageSignature {
  readonly key: PublicKey
  /** What it is meant for: a signature for one use is none for another. */
  readonly namespace: string
  readonly digest: 'sha256' | 'sha512'
  /** As SSH carries it. */
  readonly signature: Buffer
}

/** Between its lines BEGIN and END; what stands around them is white space at most. @throws Malformed */
export function parseMessageSignature(text: string): MessageSignature {
  if (text.length > maxTextCharacters) throw new Malformed('a signature that is too long')
  const [, encoded] = armor.exec(text.trim()) ?? []
  if (encoded === undefined) throw new Malformed('no SSH signature')
  const digits = encoded.replaceAll(/[\r\n]/g, '')
  const blob = Buffer.from(digits, 'base64')
  if (blob.toString('base64') !== digits) throw new Malformed('a signature that is not base64')
  const reader = new WireReader(blob)
  if (!reader.take(preamble.length).equals(preamble)) throw new Malformed('no SSH signature')
  if (reader.uint32() !== version) throw new Malformed('an SSH signature of another version')
  const key = parsePublicKey(reader.string())
  const namespace = reader.text()
  // Reserved: nothing is in it yet, and whatever will be is to be passed over.
  reader.string()
  const digest = reader.text()
  if (digest !== 'sha256' && digest !== 'sha512') throw new Malformed('a signature by another digest')
  const signature = reader.string()
  reader.end()
  return { key, namespace, digest, signature }
}

/** Whether it is the signature of this message for this use. Of security keys: and somebody touched it for that. */
export function verifyMessage(
  { key, namespace, digest, signature }: MessageSignature,
  expected: { readonly namespace: string; readonly message: Uint8Array },
): boolean {
  if (namespace !== expected.namespace) return false
  const signed = new WireWriter()
    .bytes(preamble)
    .string(namespace)
    .string('')
    .string(digest)
    .string(hash(digest, expected.message, 'buffer'))
  return verifySignature(key, signature, signed.done())
}

const armor = /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)\n-----END SSH SIGNATURE-----$/
const preamble = Buffer.from('SSHSIG')
const version = 1
const maxTextCharacters = Math.ceil(maxBlobBytes / 3) * 4 + 4096
