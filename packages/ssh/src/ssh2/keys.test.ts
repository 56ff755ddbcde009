import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Channel } from '../connection/channel.ts'
import { hasSsh, hasSshd, KeyRing, runSsh, runSshd } from '../testing/openssh.ts'
import { message, sendRaw } from '../testing/raw-ssh.ts'
import { exec, exit, logIn, runFor, runServer } from '../testing/ssh-pair.ts'
import { serverAlgorithms, type ServerOptions } from './index.ts'

const mebibyte = 1024 * 1024

/** `cat`, whatever the command; and how often each connection got new keys after the first. */
async function echo(options: Partial<ServerOptions> = {}) {
  const rekeyed: number[] = []
  const agreed = Promise.withResolvers<string>()
  const run = runFor((channel) => {
    let held = 0
    channel.listen({
      data: (bytes) => {
        if (channel.write(bytes)) channel.consumed(bytes.length)
        else held += bytes.length
      },
      drained: () => {
        channel.consumed(held)
        held = 0
      },
      eof: () => exit(channel, 0),
    })
  })
  const server = await runServer((connection) => {
    const index = rekeyed.push(-1) - 1
    connection.on('handshake', ({ kex }) => {
      agreed.resolve(kex)
      rekeyed[index] = (rekeyed[index] ?? 0) + 1
    })
    run(connection)
  }, options)
  return { server, rekeyed, agreed: agreed.promise }
}

/** Bytes that are all different, so that none can stand in for others. */
function* unlike(total: number): Generator<Buffer> {
  for (let at = 0; at < total; at += 64 * 1024) {
    const chunk = Buffer.alloc(64 * 1024)
    for (let word = 0; word < chunk.length; word += 4) chunk.writeUInt32BE(at + word, word)
    yield chunk
  }
}

function digest(chunks: Iterable<Buffer>): string {
  const hash = createHash('sha256')
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}

/** What comes back of `total` bytes. */
async function throughEcho(channel: Channel, total: number): Promise<string> {
  const hash = createHash('sha256')
  const closed = Promise.withResolvers<void>()
  let onDrained = (): void => undefined
  channel.listen({
    data: (bytes) => {
      hash.update(bytes)
      channel.consumed(bytes.length)
    },
    drained: () => onDrained(),
    closed: () => closed.resolve(),
  })
  for (const chunk of unlike(total)) {
    const room = new Promise<void>((resolve) => (onDrained = resolve))
    if (!channel.write(chunk)) await room
  }
  channel.eof()
  await closed.promise
  return hash.digest('hex')
}

describe('new keys while much passes', () => {
  it('are made by our server, and nothing is lost or out of order', async () => {
    const { server, rekeyed } = await echo({ limits: { rekeyBytes: mebibyte } })
    await using _server = server
    const client = await logIn(server.port)
    expect(await throughEcho(await exec(client), 32 * mebibyte)).toBe(digest(unlike(32 * mebibyte)))
    expect(rekeyed[0]).toBeGreaterThan(30)
  })

  it('are made by our client, and nothing is lost or out of order', async () => {
    const { server, rekeyed } = await echo()
    await using _server = server
    const client = await logIn(server.port, { limits: { rekeyBytes: mebibyte } })
    expect(await throughEcho(await exec(client), 32 * mebibyte)).toBe(digest(unlike(32 * mebibyte)))
    expect(rekeyed[0]).toBeGreaterThan(30)
  })

  it('are made while it takes time to say whose keys they are', async () => {
    const { server, rekeyed } = await echo()
    await using _server = server
    const client = await logIn(server.port, {
      limits: { rekeyBytes: mebibyte },
      verifyHost: () => sleep(20).then(() => true),
    })
    const channel = await exec(client)
    // What is written while the answer is awaited must wait, too.
    const asking = setInterval(() => void client.ssh.ask('are-you-there@example.com'), 1)
    expect(await throughEcho(channel, 8 * mebibyte)).toBe(digest(unlike(8 * mebibyte)))
    clearInterval(asking)
    expect(rekeyed[0]).toBeGreaterThan(5)
  })

  it('are made by both at once', async () => {
    const { server, rekeyed } = await echo({ limits: { rekeyBytes: mebibyte } })
    await using _server = server
    const client = await logIn(server.port, { limits: { rekeyBytes: mebibyte } })
    expect(await throughEcho(await exec(client), 16 * mebibyte)).toBe(digest(unlike(16 * mebibyte)))
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
    const loggedIn = await logIn(sshd.port, {
      username: sshd.user,
      logIns: [{ type: 'publickey', key: readFileSync(user) }],
      limits: { rekeyBytes: 2 * mebibyte },
    })
    let rekeyed = 0
    loggedIn.client.on('handshake', () => rekeyed++)
    const back = await throughEcho(await exec(loggedIn, 'cat'), 32 * mebibyte)
    expect(back).toBe(digest(unlike(32 * mebibyte)))
    expect(rekeyed).toBeGreaterThan(15)
    loggedIn.client.end()
  })
})

describe('new keys', () => {
  it('are made after an hour, once something passes', async () => {
    const { server, rekeyed } = await echo({ limits: { rekeyMs: 200 } })
    await using _server = server
    const channel = await exec(await logIn(server.port))
    await sleep(300)
    channel.write(Buffer.from('x'))
    await expect.poll(() => rekeyed).toEqual([1])
  })

  it('are not waited for without end', async () => {
    const { server } = await echo({ limits: { kexMs: 200 } })
    await using _server = server
    const { client } = await logIn(server.port)
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
    const { client } = await logIn(server.port)
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
    const { server, agreed } = await echo()
    await using _server = server
    const channel = await exec(await logIn(server.port, { kex: [kex] }))
    expect(await agreed).toBe(kex)
    expect(await throughEcho(channel, mebibyte)).toBe(digest(unlike(mebibyte)))
  })

  it('is safe from quantum computers between our two roles', async () => {
    const { server, agreed } = await echo()
    await using _server = server
    await logIn(server.port)
    expect(await agreed).toBe('mlkem768x25519-sha256')
  })
})
