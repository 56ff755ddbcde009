import { keyLine, privateKeyFromSeed } from '@sallyport/openssh'

/** The key by which clients know this gateway. */
export interface OwnHostKey {
  /** OpenSSH's form. Secret. */
  readonly privateKey: string
  /** As it stands in known_hosts, behind the name: `ssh-ed25519 AAAA…`. */
  readonly line: string
}

/** @param seed 32 secret bytes, always the same for one gateway */
export function ownHostKey(seed: Uint8Array): OwnHostKey {
  const key = privateKeyFromSeed(seed)
  return { privateKey: key.toOpenSsh().reveal(), line: keyLine(key.publicKey.blob) }
}
