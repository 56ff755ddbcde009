import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { blobOf, hasSsh, hasSshd, KeyRing, runSsh, runSshd } from '../testing/openssh.ts'
import { exec, exit, logIn, runFor, runServer } from '../testing/ssh-pair.ts'
import { connectSsh, type ClientOptions, type PublicKeyRequest } from './index.ts'

const types = ['ed25519', 'ecdsa', 'rsa'] as const

/** As OpenSSH names what they sign with. */
const algorithms = { ed25519: 'ssh-ed25519', ecdsa: 'ecdsa-sha2-nistp256', rsa: 'rsa-sha2-512' }

/** Every program succeeds at once. */
const succeed = runFor((channel) => exit(channel, 0))

describe.skipIf(!hasSsh)('a client that logs in with a certificate', () => {
  it.each(types)('shows the certificate, what it signed and the whole signature: %s', async (type) => {
    using ring = new KeyRing()
    const [authority, key] = [ring.make('ca', 'ed25519'), ring.make('user', type)]
    const certificate = ring.certify(authority, key, 'alice', [])
    const requests: PublicKeyRequest[] = []
    await using server = await runServer((connection) => {
      connection.on('authentication', (request) => {
        if (request.method === 'publickey') requests.push(request)
      })
      succeed(connection)
    })
    const options = [`IdentityFile=${key}`, `CertificateFile=${key}-cert.pub`]
    expect(await runSsh(server.port, ['true'], { options })).toMatchObject({ status: 0 })

    const [asked, signed] = requests
    const algorithm = `${algorithms[type]}-cert-v01@openssh.com`
    expect(asked).toMatchObject({ algorithm, username: 'alice' })
    expect(asked?.rawSignature).toBeUndefined()
    expect(asked?.key.data.equals(certificate)).toBe(true)
    expect(signed).toMatchObject({ algorithm })
    expect(signed?.key.data.equals(certificate)).toBe(true)
    if (!signed?.blob || !signed.rawSignature) throw new Error('nothing was signed')
    const [name, signature] = strings(signed.rawSignature)
    expect(name?.toString()).toBe(algorithms[type])
    expect(isSignature(type, publicKey(key), signed.blob, signature)).toBe(true)
  })

  it.each(types)('shows the whole signature of a plain key, too: %s', async (type) => {
    using ring = new KeyRing()
    const key = ring.make('user', type)
    const requests: PublicKeyRequest[] = []
    await using server = await runServer((connection) => {
      connection.on('authentication', (request) => {
        if (request.method === 'publickey') requests.push(request)
      })
      succeed(connection)
    })
    expect(await runSsh(server.port, ['true'], { options: [`IdentityFile=${key}`] })).toMatchObject({
      status: 0,
    })
    const signed = requests.find(({ rawSignature }) => rawSignature !== undefined)
    if (!signed?.blob || !signed.rawSignature) throw new Error('nothing was signed')
    const [name, signature] = strings(signed.rawSignature)
    expect([signed.algorithm, name?.toString()]).toEqual([algorithms[type], algorithms[type]])
    expect(signed.key.data.equals(blobOf(`${key}.pub`))).toBe(true)
    expect(isSignature(type, publicKey(key), signed.blob, signature)).toBe(true)
  })

  it('is told that its RSA key may log in by the name that it used', async () => {
    using ring = new KeyRing()
    const key = ring.make('user', 'rsa')
    await using server = await runServer(succeed)
    const client = connectSsh(connect(server.port, '127.0.0.1'), {
      username: 'alice',
      logIns: [{ type: 'publickey', key: readFileSync(key) }],
      verifyHost: () => true,
      readyTimeoutMs: 10_000,
    })
    client.on('error', () => {})
    const { _protocol } = client as unknown as Insides
    const { USERAUTH_PK_OK: go } = _protocol._handlers
    const told: string[] = []
    _protocol._handlers.USERAUTH_PK_OK = (protocol, algorithm) => {
      told.push(algorithm)
      go(protocol, algorithm)
    }
    await once(client, 'ready')
    client.end()
    expect(told).toEqual(['rsa-sha2-512'])
  })

  it('names its RSA key as it did, where it has no certificate', async () => {
    using ring = new KeyRing()
    const key = ring.make('user', 'rsa')
    const seen: string[] = []
    await using server = await runServer((connection) => {
      connection.on('authentication', (request) => {
        if (request.method === 'publickey') seen.push(request.algorithm)
        request.reject(['publickey'])
      })
    })
    await runSsh(server.port, ['true'], { options: [`IdentityFile=${key}`] })
    expect(seen).toContain('rsa-sha2-512')
  })
})

describe.skipIf(!hasSshd)('a log-in at a target', () => {
  const run = async (port: number, options: Partial<ClientOptions>): Promise<string> => {
    const loggedIn = await logIn(port, options)
    const closed = Promise.withResolvers<void>()
    let output = ''
    await exec(loggedIn, 'echo in', {
      data: (bytes) => void (output += bytes.toString()),
      closed: () => closed.resolve(),
    })
    await closed.promise
    loggedIn.client.end()
    return output
  }

  it.each(types)('shows a certificate in its key’s place: %s', async (type) => {
    using ring = new KeyRing()
    const authority = ring.make('ca', 'ed25519')
    await using sshd = await runSshd(ring, [
      `HostKey ${ring.make('host', 'ed25519')}`,
      `TrustedUserCAKeys ${authority}.pub`,
      'AuthorizedKeysFile none',
      'LogLevel VERBOSE',
    ])
    const file = ring.make('user', type)
    const certificate = ring.certify(authority, file, sshd.user, [])
    const key = readFileSync(file)
    const username = sshd.user
    const output = run(sshd.port, { username, logIns: [{ type: 'publickey', key, certificate }] })
    expect(await output.catch((error: Error) => `${error.message} ${sshd.log()}`)).toBe('in\n')
    await expect(run(sshd.port, { username, logIns: [{ type: 'publickey', key }] })).rejects.toThrow(
      'authentication methods failed',
    )
  })

  it.each(types)('gets the host’s certificate to check, or its key: %s', async (type) => {
    using ring = new KeyRing()
    const [authority, host, user] = [
      ring.make('ca', 'ed25519'),
      ring.make('host', type),
      ring.make('user', 'ed25519'),
    ]
    const certificate = ring.certify(authority, host, 'target', ['-h'])
    await using sshd = await runSshd(ring, [
      `HostKey ${host}`,
      `HostCertificate ${host}-cert.pub`,
      `AuthorizedKeysFile ${user}.pub`,
    ])
    const shown: Buffer[] = []
    const options: Partial<ClientOptions> = {
      username: sshd.user,
      logIns: [{ type: 'publickey', key: readFileSync(user) }],
      verifyHost: (key) => {
        shown.push(key)
        return Promise.resolve(true)
      },
    }
    await run(sshd.port, { ...options, wantsHostCertificate: true })
    await run(sshd.port, options)
    expect(shown.map((key) => key.toString('base64'))).toEqual(
      [certificate, blobOf(`${host}.pub`)].map((key) => key.toString('base64')),
    )
  })
})

describe.skipIf(!hasSsh)('a server with a host certificate', () => {
  it.each(types)('convinces a client that knows only the authority: %s', async (type) => {
    using ring = new KeyRing()
    const [authority, host] = [ring.make('ca', 'ed25519'), ring.make('host', type)]
    const certificate = ring.certify(authority, host, '127.0.0.1', ['-h'])
    await using server = await runServer(succeed, { hostKeys: [{ key: readFileSync(host), certificate }] })
    const line = `@cert-authority * ${readFileSync(`${authority}.pub`, 'utf8')}`
    const options = [
      'StrictHostKeyChecking=yes',
      `UserKnownHostsFile=${ring.write('known_hosts', line)}`,
      `HostKeyAlgorithms=${algorithms[type]}-cert-v01@openssh.com`,
    ]
    expect(await runSsh(server.port, ['true'], { options })).toMatchObject({ status: 0, stderr: '' })
    const plain = { options: [`HostKeyAlgorithms=${algorithms[type]}`] }
    expect(await runSsh(server.port, ['true'], plain)).toMatchObject({ status: 0 })
  })
})

describe('a target whose key is not the right one', () => {
  it.each([
    ['says so at once', () => false],
    ['says so later', () => Promise.resolve(false)],
    ['cannot say', () => Promise.reject(new Error('no store'))],
  ])('is told nothing, where the check %s', async (_when, verifyHost) => {
    const asked: string[] = []
    await using server = await runServer((connection) => {
      connection.on('authentication', ({ method }) => asked.push(method))
    })
    const socket = connect(server.port, '127.0.0.1')
    const client = connectSsh(socket, {
      username: 'alice',
      logIns: [{ type: 'password', password: 'open sesame' }],
      verifyHost,
      readyTimeoutMs: 10_000,
    })
    const [error] = (await once(client, 'error')) as [Error]
    expect(error.message).toContain('Host denied')
    await once(socket, 'close')
    expect(asked).toEqual([])
  })
})

interface Insides {
  readonly _protocol: {
    readonly _handlers: { USERAUTH_PK_OK: (protocol: unknown, algorithm: string) => void }
  }
}

const empty = Buffer.alloc(0)

const publicKey = (file: string): KeyObject => {
  const [type, first = empty, second = empty] = strings(blobOf(`${file}.pub`))
  const jwk = (() => {
    switch (type?.toString()) {
      case 'ssh-ed25519':
        return { kty: 'OKP', crv: 'Ed25519', x: first.toString('base64url') }
      case 'ssh-rsa':
        return { kty: 'RSA', e: first.toString('base64url'), n: second.subarray(1).toString('base64url') }
      default: {
        const [x, y] = [second.subarray(1, 33), second.subarray(33)]
        return { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') }
      }
    }
  })()
  return createPublicKey({ key: jwk, format: 'jwk' })
}

function isSignature(type: string, key: KeyObject, signed: Buffer, signature: Buffer = empty): boolean {
  if (type === 'ed25519') return verify(null, signed, key, signature)
  if (type === 'rsa') return verify('sha512', signed, key, signature)
  const sides = strings(signature).map((side) => Buffer.concat([Buffer.alloc(32), side]).subarray(-32))
  return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.concat(sides))
}

/** Splits what consists of nothing but strings with their lengths in front. */
function strings(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + 4 <= bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at)
    found.push(bytes.subarray(at + 4, end))
    at = end
  }
  return found
}
