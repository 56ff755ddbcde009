import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { hasSsh, hasSshd, KeyRing, runSsh, runSshd } from '../testing/openssh.ts'
import { message, sendRaw } from '../testing/raw-ssh.ts'
import { admitAll, logIn, runServer } from '../testing/ssh-pair.ts'
import {
  connectSsh,
  serverAlgorithms,
  type ClientChannel,
  type ClientConnection,
  type ServerOptions,
} from './index.ts'

const mebibyte = 1024 * 1024

/** `cat`, whatever the command; and how often each connection got new keys after the first. */
async function echo(options: Partial<ServerOptions> = {}) {
  const rekeyed: number[] = []
  const server = await runServer((connection) => {
    const index = rekeyed.push(-1) - 1
    connection.on('handshake', () => (rekeyed[index] = (rekeyed[index] ?? 0) + 1))
    admitAll(connection)
    connection.on('session', (accept) =>
      accept().on('exec', (start) => {
        const channel = start()
        channel?.pipe(channel, { end: false })
        channel?.once('end', () => {
          channel.exit(0)
          channel.end()
        })
      }),
    )
  }, options)
  return { server, rekeyed }
}

const exec = (client: ClientConnection, command = 'cat'): Promise<ClientChannel> =>
  new Promise((resolve, reject) =>
    client.exec(Buffer.from(command), {}, (error, channel) => (error ? reject(error) : resolve(channel))),
  )

/** Bytes that are all different, so that none can stand in for others. */
function* unlike(total: number): Generator<Buffer> {
  for (let at = 0; at < total; at += 64 * 1024) {
    const chunk = Buffer.alloc(64 * 1024)
    for (let word = 0; word < chunk.length; word += 4) chunk.writeUInt32BE(at + word, word)
    yield chunk
  }
}

async function digest(stream: Readable | Iterable<Buffer>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

async function throughEcho(channel: ClientChannel, total: number): Promise<string> {
  const back = digest(channel)
  for (const chunk of unlike(total)) if (!channel.write(chunk)) await once(channel, 'drain')
  channel.end()
  return back
}

describe('new keys while much passes', () => {
  it('are made by our server, and nothing is lost or out of order', async () => {
    const { server, rekeyed } = await echo({ limits: { rekeyBytes: mebibyte } })
    await using _server = server
    const client = await logIn(server.port)
    expect(await throughEcho(await exec(client), 32 * mebibyte)).toBe(await digest(unlike(32 * mebibyte)))
    expect(rekeyed[0]).toBeGreaterThan(30)
  })

  it('are made by our client, and nothing is lost or out of order', async () => {
    const { server, rekeyed } = await echo()
    await using _server = server
    const client = await logIn(server.port, { limits: { rekeyBytes: mebibyte } })
    expect(await throughEcho(await exec(client), 32 * mebibyte)).toBe(await digest(unlike(32 * mebibyte)))
    expect(rekeyed[0]).toBeGreaterThan(30)
  })

  it('are made by both at once', async () => {
    const { server, rekeyed } = await echo({ limits: { rekeyBytes: mebibyte } })
    await using _server = server
    const client = await logIn(server.port, { limits: { rekeyBytes: mebibyte } })
    expect(await throughEcho(await exec(client), 16 * mebibyte)).toBe(await digest(unlike(16 * mebibyte)))
    expect(rekeyed[0]).toBeGreaterThan(15)
  })

  it.skipIf(!hasSsh).each([
    ['OpenSSH', {}, ['RekeyLimit=1M']],
    ['us', { rekeyBytes: mebibyte }, []],
    ['both', { rekeyBytes: mebibyte }, ['RekeyLimit=1M']],
  ])('are agreed on with OpenSSH, wanted by %s', async (_who, limits, options) => {
    const { server, rekeyed } = await echo({ limits })
    await using _server = server
    const stdin = Buffer.concat([...unlike(64 * mebibyte)])
    const { status, stdout, stderr } = await runSsh(server.port, ['cat'], { stdin, options })
    expect({ status, stderr, isSame: stdout.equals(stdin) }).toEqual({ status: 0, stderr: '', isSame: true })
    expect(rekeyed[0]).toBeGreaterThan(30)
  })

  it.skipIf(!hasSshd)('are agreed on with OpenSSH’s server, whoever wants them', async () => {
    using ring = new KeyRing()
    const user = ring.make('user', 'ed25519')
    await using sshd = await runSshd(ring, [
      `HostKey ${ring.make('host', 'ed25519')}`,
      `AuthorizedKeysFile ${user}.pub`,
      'RekeyLimit 3M',
    ])
    const client = await logIn(sshd.port, {
      username: sshd.user,
      logIns: [{ type: 'publickey', key: readFileSync(user) }],
      limits: { rekeyBytes: 2 * mebibyte },
    })
    let rekeyed = 0
    client.on('handshake', () => rekeyed++)
    const back = await throughEcho(await exec(client), 32 * mebibyte)
    expect(back).toBe(await digest(unlike(32 * mebibyte)))
    expect(rekeyed).toBeGreaterThan(15)
    client.end()
  })
})

describe('new keys', () => {
  it('are made after an hour, once something passes', async () => {
    const { server, rekeyed } = await echo({ limits: { rekeyMs: 200 } })
    await using _server = server
    const channel = await exec(await logIn(server.port))
    await sleep(300)
    channel.write('x')
    await expect.poll(() => rekeyed).toEqual([1])
  })

  it('are not waited for without end', async () => {
    const { server } = await echo({ limits: { kexMs: 200 } })
    await using _server = server
    const client = await logIn(server.port)
    const insides = client as unknown as {
      _protocol: { _onPayload: unknown; _decipher: Record<string, unknown> }
    }
    insides._protocol._decipher['_onPayload'] = () => undefined // it hears nothing any more
    server.connections[0]?.rekey()
    await expect.poll(() => server.errors.map(String)).toEqual(['Error: Key exchange took too long'])
  })

  it('let nothing pile up while they are made', async () => {
    const { server } = await echo()
    await using _server = server
    const client = await logIn(server.port)
    const insides = client as unknown as { _protocol: { _decipher: Record<string, unknown> } }
    insides._protocol._decipher['_onPayload'] = () => undefined
    server.connections[0]?.rekey()
    const request = message(80, 'what@example.com', true)
    for (let i = 0; i < 5000; i++) sendRaw(client, request)
    await expect
      .poll(() => server.errors.map(String))
      .toEqual(['Error: Inbound: Too many requests during key exchange'])
  })
})

describe('what is agreed on', () => {
  const agreed = async (options: readonly string[] = []): Promise<string> => {
    const { server } = await echo()
    await using _server = server
    const run = await runSsh(server.port, ['true'], {
      options: ['LogLevel=DEBUG2', ...options],
      stdin: '',
    })
    return run.stderr
  }

  it.skipIf(!hasSsh)('keeps to what the gateway offers, with OpenSSH', async () => {
    const said = await agreed()
    expect(said).toMatch(/kex: server->client cipher: \S+ MAC: \S+ compression: none/)
    expect(said).toContain(`peer server KEXINIT proposal`)
    expect(said).toMatch(/server-sig-algs=<ssh-ed25519,.*ecdsa-sha2-nistp521,.*rsa-sha2-512,rsa-sha2-256/)
    expect(said).not.toMatch(/server-sig-algs=<[^>]*ssh-(rsa|dss)[,>]/)
    expect(said).toContain('kex-strict-s-v00@openssh.com')
  })

  it.skipIf(!hasSsh).each([
    ['Ciphers', 'aes128-cbc'],
    ['MACs', 'hmac-sha1'],
    ['KexAlgorithms', 'diffie-hellman-group14-sha1'],
  ])('is nothing where a client wants only old %s', async (option, value) => {
    const only = option === 'MACs' ? [`${option}=${value}`, 'Ciphers=aes128-ctr'] : [`${option}=${value}`]
    expect(await agreed(only)).toMatch(/no matching (cipher|MAC|key exchange method) found/)
  })

  it.skipIf(!hasSsh).each(serverAlgorithms.cipher as string[])('works with OpenSSH: %s', async (cipher) => {
    const { server } = await echo()
    await using _server = server
    const stdin = Buffer.concat([...unlike(mebibyte)])
    const { stdout, stderr } = await runSsh(server.port, ['cat'], { stdin, options: [`Ciphers=${cipher}`] })
    expect({ stderr, isSame: stdout.equals(stdin) }).toEqual({ stderr: '', isSame: true })
  })

  it.each(serverAlgorithms.kex as string[])('works between our two roles: %s', async (kex) => {
    const { server } = await echo()
    await using _server = server
    const socket = connect(server.port, '127.0.0.1')
    const client = connectSsh(socket, {
      username: 'alice',
      logIns: [{ type: 'password', password: 'right' }],
      verifyHost: () => true,
      readyTimeoutMs: 10_000,
      kex: [kex],
    })
    client.on('error', () => {})
    const [[negotiated]] = await Promise.all([
      once(client, 'handshake') as unknown as Promise<[{ kex: string }]>,
      once(client, 'ready'),
    ])
    expect(negotiated.kex).toBe(kex)
    expect(await throughEcho(await exec(client), mebibyte)).toBe(await digest(unlike(mebibyte)))
  })

  it('is safe from quantum computers between our two roles', async () => {
    const { server } = await echo()
    await using _server = server
    const client = connectSsh(connect(server.port, '127.0.0.1'), {
      username: 'alice',
      logIns: [],
      verifyHost: () => true,
      readyTimeoutMs: 10_000,
    })
    client.on('error', () => {})
    const [negotiated] = (await once(client, 'handshake')) as [{ kex: string }]
    expect(negotiated.kex).toBe('mlkem768x25519-sha256')
  })
})
