import type { Algorithms } from 'ssh2'

/**
 * What the gateway agrees to, towards clients and targets alike, best first. The client's order decides between two that both
 * have (RFC 4253 section 7.1). AES in GCM comes first: hardware does it, and node:crypto is fast at it. Nothing compresses, and
 * nothing uses SHA-1, CBC or RC4.
 */
const shared = {
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
    'chacha20-poly1305@openssh.com',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const

const exchanges = ['mlkem768x25519-sha256', 'curve25519-sha256', 'curve25519-sha256@libssh.org'] as const
const curves = [...exchanges, 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521'] as const

/**
 * Towards clients, all of which have had X25519 for ten years. Exchanges in finite fields are left out: one of them costs the process
 * tens of milliseconds, unauthenticated.
 */
export const serverAlgorithms = mutable({
  ...shared,
  kex: exchanges,
  serverHostKey: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256'],
})

/** Towards targets, which may be older than any client should be. */
export const clientAlgorithms = mutable({
  ...shared,
  kex: [...curves, 'diffie-hellman-group16-sha512', 'diffie-hellman-group14-sha256'],
  serverHostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
})

/** The names of their certificates. */
export const certified = (algorithms: readonly string[]): string[] =>
  algorithms.map((name) => `${name}-cert-v01@openssh.com`)

/** When new keys replace those in use, in both roles; an exchange that takes too long ends the connection. */
export interface KeyLimits {
  /** In both directions together. 1 GiB unless said. */
  readonly rekeyBytes?: number
  /** 1 h unless said; counted when something passes. */
  readonly rekeyMs?: number
  /** How long an exchange may take, in milliseconds. 60 s unless said. */
  readonly kexMs?: number
}

/** ssh2 knows more names than its types do. */
function mutable(lists: Readonly<Record<keyof Algorithms, readonly string[]>>): Required<Algorithms> {
  return lists as unknown as Required<Algorithms>
}

/**
 * What we say that we are, on both sides. OpenSSH speaks some of its own extensions to its like only, by this name, such as the one by
 * which `ssh HOST yes | head` ends.
 */
export const ident = 'OpenSSH_Sallyport'

/** Kinds of targets' host keys with the pinned ones first, so that the target shows one of these where it has one. */
export function hostKeyTypes(pinned: readonly string[]): string[] {
  const known: readonly string[] = clientAlgorithms.serverHostKey as string[]
  const first = pinned.flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]))
  return [...known.filter((type) => first.includes(type)), ...known.filter((type) => !first.includes(type))]
}
