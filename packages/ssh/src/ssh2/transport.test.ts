import { once } from 'node:events'
import { connect } from 'node:net'
import { duplexPair } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { clearPacket, message, rawSocket, sendRaw, uint32 } from '../testing/raw-ssh.ts'
import { admitAll, farewell, logIn, nobody, runFor, runServer, withKeys } from '../testing/ssh-pair.ts'
import { connectSsh, type ServerConnection } from './index.ts'

const mebibyte = 1024 * 1024

const silent = () => {}

describe('what no SSH client says', () => {
  it('is answered in words, and the connection is closed', async () => {
    await using server = await runServer(silent)
    const { socket, received } = await rawSocket(server.port)
    socket.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n')
    await once(socket, 'close')
    expect(received().toString()).toMatch(/^SSH-2\.0-Sallyport_test\r\n[ -~]+\r\n$/)
  })

  it('is given up once it is longer than any first line', async () => {
    await using server = await runServer(silent)
    const { socket, received } = await rawSocket(server.port)
    socket.write(Buffer.alloc(20 * 1024, 'x'))
    await once(socket, 'close')
    expect(received().toString()).toMatch(/^SSH-2\.0-Sallyport_test\r\n[ -~]+\r\n$/)
  })

  it('is given up where a target’s welcome never ends', async () => {
    const [ours, targets] = duplexPair()
    const client = connectSsh(ours, nobody)
    targets.resume().on('end', () => targets.end())
    targets.write(`${'Welcome! '.repeat(10)}\r\n`.repeat(200))
    expect(await farewell(client)).toBe('Header too long')
  })
})

describe('a first line that comes in pieces', () => {
  it('is read as if it came at once', async () => {
    await using server = await runServer(silent)
    const { socket, received } = await rawSocket(server.port)
    for (const byte of 'SSH-2.0-slow\r\n') {
      socket.write(byte)
      await sleep(5)
    }
    await expect.poll(() => received().length).toBeGreaterThan(100) // the server’s KEXINIT
    socket.destroy()
  })
})

describe('a packet that breaks the rules before there are keys', () => {
  const [disconnect, kexInit, serviceRequest] = [1, 20, 5]
  it.each([
    ['of more than the largest size', Buffer.concat([uint32(0x7fffffff), Buffer.alloc(64)])],
    ['of a negative size', Buffer.concat([uint32(0xffffffff), Buffer.alloc(64)])],
    ['that is too short', Buffer.concat([uint32(4), Buffer.alloc(64)])],
    ['with more padding than packet', Buffer.concat([uint32(12), Buffer.alloc(12, 0xff)])],
    ['with nothing in it', Buffer.concat([uint32(12), Buffer.from([11]), Buffer.alloc(11)])],
    ['for after the exchange', clearPacket(message(serviceRequest, 'ssh-userauth'))],
    ['for after log-in', clearPacket(message(90, 'session', 0, 1000, 1000))],
    ['with half of a KEXINIT', clearPacket(Buffer.from([kexInit, 1, 2, 3]))],
    ['with nothing to agree on', clearPacket(kexInitOf({}))],
  ])('ends it with a reason: one %s', async (_what, packet) => {
    await using server = await runServer(silent)
    const { socket, received } = await rawSocket(server.port)
    socket.write(Buffer.concat([Buffer.from('SSH-2.0-rude\r\n'), packet]))
    await once(socket, 'close')
    const sent = clearPackets(received())
    expect(sent.map((payload) => payload[0])).toEqual([kexInit, disconnect])
    const words = sent[1]?.subarray(9, 9 + (sent[1]?.readUInt32BE(5) ?? 0)).toString()
    expect(words).toMatch(/^[ -~]{5,}$/)
    expect(server.errors).toHaveLength(1)
  })
})

describe('a client without strict key exchange', () => {
  const agreed = async (lists: Partial<KexLists>): Promise<boolean> => {
    await using server = await runServer(silent)
    const { socket, received } = await rawSocket(server.port)
    const kex = ['curve25519-sha256']
    socket.write('SSH-2.0-old\r\n')
    socket.write(clearPacket(kexInitOf({ kex, hostKey: ['ssh-ed25519'], compress: ['none'], ...lists })))
    await sleep(200)
    socket.destroy()
    return !clearPackets(received()).some((payload) => payload[0] === 1)
  }

  it('gets no cipher that does not notice lost packets', async () => {
    const [chacha, gcm] = ['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com']
    expect(await agreed({ cipher: [chacha, gcm] })).toBe(true)
    expect(await agreed({ cipher: [chacha] })).toBe(false)
    expect(await agreed({ cipher: ['aes256-ctr'], mac: ['hmac-sha2-256'] })).toBe(true)
    expect(await agreed({ cipher: ['aes256-ctr'], mac: ['hmac-sha2-256-etm@openssh.com'] })).toBe(false)
    expect(
      await agreed({ cipher: [chacha], kex: ['curve25519-sha256', 'kex-strict-c-v00@openssh.com'] }),
    ).toBe(true)
  })
})

describe('before log-in', () => {
  const messages = {
    CHANNEL_OPEN: message(90, 'session', 0, mebibyte, 32768),
    GLOBAL_REQUEST: message(80, 'tcpip-forward', true, '', 0),
    CHANNEL_REQUEST: message(98, 0, 'exec', true, 'id'),
    CHANNEL_DATA: message(94, 0, 'data'),
    USERAUTH_SUCCESS: message(52),
    USERAUTH_FAILURE: message(51, 'password', false),
    USERAUTH_BANNER: message(53, 'hello', ''),
    SERVICE_ACCEPT: message(6, 'ssh-userauth'),
    'a message that nobody knows': message(192),
    'NEWKEYS without an exchange': message(21),
  }

  it.each(Object.entries(messages))('a client that sends %s is sent away', async (_name, payload) => {
    const seen: string[] = []
    await using server = await runServer((connection) => {
      for (const event of ['ready', 'authentication'] as const) connection.on(event, () => seen.push(event))
    })
    const client = await withKeys(server.port)
    sendRaw(client, payload)
    expect(await farewell(client)).toMatch(/^Inbound: Message \d+ before authentication$/)
    expect(server.connections[0]).toMatchObject({ authenticated: false })
    expect(seen).toEqual([])
  })

  it('a client that logs in without asking for the service is sent away', async () => {
    await using server = await runServer(admitAll)
    const client = await withKeys(server.port)
    sendRaw(client, message(50, 'alice', 'ssh-connection', 'password', false, 'right'))
    expect(await farewell(client)).toBe('Inbound: Unexpected USERAUTH_REQUEST')
  })

  it('a client that asks for another service, or twice, is sent away', async () => {
    await using server = await runServer(admitAll)
    for (const services of [['ssh-connection'], ['ssh-userauth', 'ssh-userauth']]) {
      const client = await withKeys(server.port)
      for (const service of services) sendRaw(client, message(5, service))
      expect(await farewell(client)).toBe('Inbound: Unexpected SERVICE_REQUEST')
    }
  })

  const rude = {
    CHANNEL_OPEN: message(90, 'session', 0, mebibyte, 32768),
    GLOBAL_REQUEST: message(80, 'hostkeys-00@openssh.com', false),
    'USERAUTH_SUCCESS that nobody asked for': message(52),
    USERAUTH_REQUEST: message(50, 'alice', 'ssh-connection', 'none'),
  }

  it.each(Object.entries(rude))('a target that sends %s is left', async (_name, payload) => {
    await using server = await runServer((connection) => {
      connection.once('handshake', () => sendRaw(connection, payload))
    })
    const socket = connect(server.port, '127.0.0.1')
    const client = connectSsh(socket, nobody)
    let ready = false
    client.on('ready', () => (ready = true))
    expect(await farewell(client)).toMatch(/before authentication/)
    expect(ready).toBe(false)
  })

  it('a name or a password that is no UTF-8 is no name and no password', async () => {
    await using server = await runServer(admitAll)
    for (const [name, password] of [
      [Buffer.from([0xff]), Buffer.from('right')],
      [Buffer.from('alice'), Buffer.from([0xff])],
    ] as const) {
      const client = await withKeys(server.port)
      sendRaw(client, message(5, 'ssh-userauth'))
      sendRaw(client, message(50, name, 'ssh-connection', 'password', false, password))
      expect(await farewell(client)).toContain('Malformed USERAUTH_REQUEST')
    }
  })
})

describe('a message that nobody knows', () => {
  it('is answered as RFC 4253 says', async () => {
    await using server = await runServer(runFor(silent))
    const { client, ssh } = await logIn(server.port)
    const said: string[] = []
    const insides = client as unknown as { _protocol: { _debug: (words: string) => void } }
    insides._protocol._debug = (words) => said.push(words)
    sendRaw(client, message(192))
    await ssh.ask('are-you-there@example.com')
    expect(said.join()).toMatch(/Received UNIMPLEMENTED \(seqno \d+\)/)
    expect(server.errors).toEqual([])
  })
})

describe('a peer that stays after goodbye', () => {
  it('is cut off', async () => {
    await using server = await runServer(silent)
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write('GET / HTTP/1.1\r\n')
    await expect.poll(() => server.sockets[0]?.destroyed, { timeout: 8000 }).toBe(true)
    socket.destroy()
  })
})

describe('an error in what listens to a connection', () => {
  it('ends that connection, and says nothing of itself to the client', async () => {
    await using server = await runServer((connection: ServerConnection) => {
      connection.on('authentication', () => {
        throw new Error('the secret is 42')
      })
    })
    await expect(logIn(server.port)).rejects.toThrow(/^Bad packet$/)
    expect(server.errors.map(String)).toEqual(['Error: the secret is 42'])
  })
})

interface KexLists {
  kex: string[]
  hostKey: string[]
  cipher: string[]
  mac: string[]
  compress: string[]
}

function kexInitOf(lists: Partial<KexLists>): Buffer {
  const { kex = [], hostKey = [], cipher = [], mac = [], compress = [] } = lists
  const names = [kex, hostKey, cipher, cipher, mac, mac, compress, compress, [], []]
  const fields = names.map((list) => list.join(','))
  return Buffer.concat([Buffer.from([20]), Buffer.alloc(16), message(0, ...fields, false, 0).subarray(1)])
}

/** The payloads of what came before there were keys, after the first line. */
function clearPackets(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = bytes.indexOf('\r\n') + 2; at + 5 <= bytes.length;) {
    const length = bytes.readUInt32BE(at)
    const padding = bytes[at + 4] ?? 0
    found.push(bytes.subarray(at + 5, at + 4 + length - padding))
    at += 4 + length
  }
  return found
}
