import 'reflect-metadata'
import { KeyObject, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { Secret, type Clock } from '@sallyport/core'
import type { SamlKey } from './provider.ts'

/** A fresh key with which our requests are signed, with a certificate of its own: providers know it by that. */
export async function createSamlKey(clock: Clock): Promise<SamlKey> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: keyBits,
    publicExponent: Uint8Array.of(1, 0, 1),
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Sallyport SAML',
    serialNumber: randomBytes(16).toString('hex'),
    notBefore: new Date(clock.now() - dayMs),
    notAfter: new Date(clock.now() + lifetimeMs),
    signingAlgorithm: algorithm,
    keys,
  })
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' })
  return {
    certificate: `${certificate.toString('pem')}\n`,
    privateKey: new Secret(key.toString()),
  }
}

const keyBits = 3072
const dayMs = 24 * 3_600_000
/** Providers know the key, and few look at this. */
const lifetimeMs = 10 * 365 * dayMs
