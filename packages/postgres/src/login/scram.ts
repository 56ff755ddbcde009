import { createHash, createSecretKey, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Fault, type Secret } from '@sallyport/core'
import { hmac, type Derive, type ScramKeyring } from './scram-keys.ts'

const derive = promisify(pbkdf2)
/** In a thread of the pool: thousands of hashes. */
export const saltPassword: Derive = (password, salt, iterations) =>
  derive(password, salt, iterations, 32, 'sha256')

/** A hostile server could otherwise ask for hours of hashing. */
const maxIterations = 200_000

/** What a client's SCRAM-SHA-256 exchange knows after its first message. */
export interface ScramStart {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly nonce: string
  readonly gs2Header: string
  readonly first: string
  /** RFC 5929 channel binding data; empty without. */
  readonly binding: Buffer
}

/**
 * First client message. PostgreSQL ignores the user name in it.
 * @see RFC 5802, RFC 7677; RFC 5929 section 4 for `tls-server-end-point`
 */
export function startScram(random: Uint8Array, endpointHash: Buffer | undefined): ScramStart {
  const nonce = Buffer.from(random).toString('base64')
  const gs2Header = endpointHash === undefined ? 'n,,' : 'p=tls-server-end-point,,'
  return {
    mechanism: endpointHash === undefined ? 'SCRAM-SHA-256' : 'SCRAM-SHA-256-PLUS',
    nonce,
    gs2Header,
    first: `${gs2Header}n=,r=${nonce}`,
    binding: endpointHash ?? Buffer.alloc(0),
  }
}

/** Final client message, and the signature that the server must then show. @throws Fault target/malformed */
export async function answerScram(
  start: ScramStart,
  serverFirst: string,
  password: Secret,
  keyring: ScramKeyring,
): Promise<{ readonly final: string; readonly serverSignature: Buffer }> {
  const { nonce, salt, iterations } = parseServerFirst(start, serverFirst)
  const { client, server } = await keyring.get(password.reveal().normalize('NFKC'), salt, iterations)
  const storedKey = createHash('sha256').update(client).digest()
  const channel = Buffer.concat([Buffer.from(start.gs2Header), start.binding]).toString('base64')
  const withoutProof = `c=${channel},r=${nonce}`
  const signed = `n=,r=${start.nonce},${serverFirst},${withoutProof}`
  const signature = hmac(createSecretKey(storedKey), signed)
  const proof = Buffer.from(client.map((byte, i) => byte ^ signature[i]!))
  return {
    final: `${withoutProof},p=${proof.toString('base64')}`,
    serverSignature: hmac(createSecretKey(server), signed),
  }
}

/** A server that does not know the password's verifier is not the server. @throws Fault target/login-failed */
export function checkServerFinal(serverFinal: string, expected: Buffer): void {
  const shown = Buffer.from(/^v=([^,]+)/.exec(serverFinal)?.[1] ?? '', 'base64')
  if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) {
    throw new Fault('target/login-failed', 'the target did not prove that it knows the password')
  }
}

function parseServerFirst(
  start: ScramStart,
  text: string,
): { nonce: string; salt: Buffer; iterations: number } {
  const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,8})(?:,|$)/.exec(text)
  const [, nonce = '', salt = '', count = ''] = match ?? []
  if (match === null || !nonce.startsWith(start.nonce) || nonce.length === start.nonce.length) {
    throw new Fault('target/malformed', 'the target sent an invalid SCRAM message')
  }
  const iterations = Number(count)
  if (iterations > maxIterations) {
    throw new Fault(
      'target/malformed',
      `the target asks for ${iterations} SCRAM iterations, more than ${maxIterations}`,
    )
  }
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations }
}
