import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto'
import { Secret } from '@sallyport/core'

/** A new P-256 key: PKCS #8, PEM. */
export function newKey(): Secret {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
}

/**
 * A certificate request (PKCS #10, DER) that proves possession of a key. It names nobody: the gateway decides that.
 * @see RFC 2986
 */
export async function certificateRequestFor(privateKey: Secret): Promise<Uint8Array> {
  // Heavy, and needed once a day: an agent at rest has not loaded it.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const key = createPrivateKey(privateKey.reveal())
  const p256 = { name: 'ECDSA', namedCurve: 'P-256' }
  const secret = key.export({ type: 'pkcs8', format: 'der' })
  const open = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys: {
      privateKey: await webcrypto.subtle.importKey('pkcs8', secret, p256, false, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', open, p256, true, ['verify']),
    },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  })
  return new Uint8Array(request.rawData)
}
