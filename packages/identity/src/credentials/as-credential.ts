import type { Secret, UpstreamCredential } from '@sallyport/core'
import { looksLikePrivateKey, parsePrivateKey } from '@sallyport/openssh'
import { looksLikeClientCertificate, parseClientCertificate } from './client-certificate.ts'

/**
 * A secret as what it is: a certificate for TLS with its key, a private key for SSH, whichever form it was kept in, or a password.
 * @returns an SSH key in OpenSSH's form
 * @throws Error where it is meant to be a key and cannot be used: cut, too weak, or with a passphrase. Without a word of it
 */
export function asCredential(user: string, secret: Secret): UpstreamCredential {
  if (looksLikeClientCertificate(secret)) return { user, clientCertificate: parseClientCertificate(secret) }
  if (!looksLikePrivateKey(secret)) return { user, password: secret }
  return { user, privateKey: parsePrivateKey(secret).toOpenSsh() }
}
