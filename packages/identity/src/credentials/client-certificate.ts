import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { Secret, type ClientCertificate } from '@sallyport/core'

/** Whether a secret is a certificate with its key, and so neither a password nor an SSH key. */
export function looksLikeClientCertificate(secret: Secret): boolean {
  return secret.reveal().includes('-----BEGIN CERTIFICATE-----')
}

/**
 * A secret of PEM blocks in any order: one private key, its certificate, and those that lead to the target's authority.
 * @throws Error where it cannot be used, without a word of it
 */
export function parseClientCertificate(secret: Secret): ClientCertificate {
  const blocks = secret.reveal().match(block) ?? []
  const certificates = blocks
    .filter((text) => text.startsWith('-----BEGIN CERTIFICATE-----'))
    .map(certificateOf)
  const [keyText, second] = blocks.filter((text) => keyBegins.test(text))
  if (keyText === undefined || second !== undefined)
    throw new Error('a client certificate comes with one private key, without a passphrase')
  const key = keyOf(keyText)
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key))
  if (own === undefined) throw new Error('none of the certificates is of the private key beside them')
  const chain = [own, ...certificates.filter((certificate) => certificate !== own)]
  return {
    chain: chain.map(String).join(''),
    privateKey: new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString()),
  }
}

function certificateOf(text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch {
    throw new Error('a certificate of the credential cannot be read')
  }
}

function keyOf(text: string): KeyObject {
  try {
    return createPrivateKey(text)
  } catch {
    throw new Error('the private key beside a certificate cannot be read, or has a passphrase')
  }
}

const block = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g
const keyBegins = /^-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----/
