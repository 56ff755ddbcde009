import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import { describe, expect, test, vi } from 'vitest'
import { Secret, type Session, type UpstreamCredential } from '@sallyport/core'
import { cancelUpstream, mintCancelKey } from './cancel.ts'
import type { Target } from './login/upstream.ts'
import { testCertificate } from './testing/certificate.ts'

const targets = Buffer.from([0, 0, 0x12, 0x34, 1, 2, 3, 4])
const secretOf = (key: Buffer): Buffer => key.subarray(4)

test.each([
  [0, 4],
  [1, 4],
  [2, 32],
])(
  'a client of protocol 3.%i gets the process id of the target, and %i secret bytes of ours',
  (minor, bytes) => {
    const keys = Array.from({ length: 100 }, () => mintCancelKey(minor, targets))
    for (const key of keys) {
      expect(key.readInt32BE(0)).toBe(0x1234)
      expect(secretOf(key)).toHaveLength(bytes)
      expect(key.includes(secretOf(targets))).toBe(false)
    }
    expect(new Set(keys.map((key) => secretOf(key).toString('hex'))).size).toBe(100)
  },
)

test('where the target gives no key, or one without a secret, the process id is made up', () => {
  for (const none of [undefined, randomBytes(0), Buffer.from([0, 0, 0x12, 0x34])]) {
    const ids = Array.from({ length: 20 }, () => mintCancelKey(0, none).readInt32BE(0))
    expect(ids.every((id) => id >= 0)).toBe(true)
    expect(new Set(ids).size).toBeGreaterThan(15)
  }
})

describe('a cancel request to what lets in by certificates alone', () => {
  const secret = new Secret(testCertificate.key)
  const clientCertificate = { chain: testCertificate.cert, privateKey: secret }
  const target: Target = {
    host: 'localhost',
    tls: { mode: 'verify-full', ca: testCertificate.cert, servername: 'localhost' },
  }

  /** Who asked to cancel, as TLS has shown it. */
  async function cancelling(
    credential: () => Promise<UpstreamCredential>,
    showsCertificate: boolean,
  ): Promise<string | undefined> {
    const seen = Promise.withResolvers<string | undefined>()
    const server = createServer((socket) => {
      // Whoever has cancelled leaves without a word.
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write('S')
        const tls = new TLSSocket(socket, {
          isServer: true,
          key: testCertificate.key,
          cert: testCertificate.cert,
          requestCert: true,
          rejectUnauthorized: false,
        })
        tls.on('error', seen.reject).once('data', () => {
          seen.resolve(tls.getPeerX509Certificate()?.subject)
          tls.end()
        })
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const session = {
      dial: () => Promise.resolve(connect(port, '127.0.0.1')),
      credential,
    } as unknown as Session
    try {
      await cancelUpstream(session, target, Buffer.alloc(8), showsCertificate)
      return await seen.promise
    } finally {
      server.close()
    }
  }

  test('shows one where the log-in did', async () => {
    const credential = vi.fn<() => Promise<UpstreamCredential>>(() =>
      Promise.resolve({ user: 'app', clientCertificate }),
    )
    expect(await cancelling(credential, true)).toBe('CN=localhost')
    expect(await cancelling(credential, false)).toBeUndefined()
    expect(credential).toHaveBeenCalledOnce()
  })

  test('is tried without one where it is not to be had', async () => {
    expect(await cancelling(() => Promise.reject(new Error('the session is over')), true)).toBeUndefined()
  })
})
