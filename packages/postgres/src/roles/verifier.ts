import { createHash, randomBytes } from 'node:crypto'
import type { Secret } from '@sallyport/core'
import type { ScramKeyring } from '../login/scram-keys.ts'

/** What RFC 7677 asks for at least, and servers use unless told. The password is random: more would guard nothing. */
const iterations = 4096
const saltBytes = 16

/**
 * What a server keeps of a password in place of it: it can check one by this, and nobody can log in with it.
 * @see PostgreSQL documentation, pg_authid, rolpassword
 */
export async function scramVerifier(password: Secret, keyring: ScramKeyring): Promise<string> {
  const salt = randomBytes(saltBytes)
  const { client, server } = await keyring.get(password.reveal().normalize('NFKC'), salt, iterations)
  const stored = createHash('sha256').update(client).digest()
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored.toString('base64')}:${server.toString('base64')}`
}
