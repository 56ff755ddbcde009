import ssh2 from 'ssh2'

/** A new Ed25519 key for a server, in OpenSSH's form. */
export const newHostKey = (): string => ssh2.utils.generateKeyPairSync('ed25519').private
