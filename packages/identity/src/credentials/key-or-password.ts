import type { Secret, UpstreamCredential } from '@sallyport/core'
import { looksLikePrivateKey, parsePrivateKey } from '@sallyport/openssh'

/**
 * A secret as what it is: a private key, whichever form it was kept in, or a password.
 * @returns a key in OpenSSH's form
 * @throws Malformed where it is meant to be a key and cannot be used: cut, too weak, or with a passphrase. Without a word of it
 */
export function asKeyOrPassword(user: string, secret: Secret): UpstreamCredential {
  if (!looksLikePrivateKey(secret)) return { user, password: secret }
  return { user, privateKey: parsePrivateKey(secret).toOpenSsh() }
}
