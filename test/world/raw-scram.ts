import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

/**
 * The client's half of SCRAM-SHA-256 without channel binding, written for tests apart from the product's.
 * @see RFC 5802, RFC 7677
 */
export function scramClient(password: string): {
  readonly first: string
  /** Takes the server's first message, gives the client's final one. */
  answer(serverFirst: string): string
  /** @throws Error where the server does not know the password either. */
  check(serverFinal: string): void
} {
  const nonce = randomBytes(18).toString('base64')
  const bare = `n=,r=${nonce}`
  let expected = ''
  return {
    first: `n,,${bare}`,
    answer(serverFirst) {
      const { r, s, i } = attributes(serverFirst)
      if (!r?.startsWith(nonce) || s === undefined || i === undefined)
        throw new Error(`bad SCRAM: ${serverFirst}`)
      const salted = pbkdf2Sync(password.normalize('NFKC'), Buffer.from(s, 'base64'), Number(i), 32, 'sha256')
      const clientKey = hmac(salted, 'Client Key')
      const withoutProof = `c=biws,r=${r}`
      const signed = `${bare},${serverFirst},${withoutProof}`
      const signature = hmac(createHash('sha256').update(clientKey).digest(), signed)
      const proof = clientKey.map((byte, at) => byte ^ signature[at]!)
      expected = hmac(hmac(salted, 'Server Key'), signed).toString('base64')
      return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
    },
    check(serverFinal) {
      if (attributes(serverFinal)['v'] !== expected) throw new Error('the server failed to prove itself')
    },
  }
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function attributes(text: string): Partial<Record<string, string>> {
  return Object.fromEntries(text.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
}
