import { once } from 'node:events'
import { duplexPair, type Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { SshConnection } from '../../../packages/ssh/src/connection/connection.ts'
import {
  connectSsh,
  disconnect,
  newHostKey,
  SshServer,
  Transport,
  type ClientConnection,
  type ServerConnection,
} from '../../../packages/ssh/src/ssh2/index.ts'
import { clearPacket, message, sendRaw, uint32 } from '../../../packages/ssh/src/testing/raw-ssh.ts'
import { pick, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: how far a connection comes before, in one byte; then messages, each with its length in two bytes before it. */
export const target: Target = {
  name: 'ssh-transport',
  promise:
    'whatever an SSH client or target sends, in whatever state, ends nothing but its own connection; nobody is in without a password',
  unit: 'messages',
  units: { long: 30_000, short: 200 },
  guide: /\/ssh2\/lib\/|packages\/ssh\/src\/(ssh2|connection)\//,
  maxBytes: 8192,
  slowMs: 2000,
  open: () => Promise.resolve(subject),
}

/** What the hostile side has done by the rules, before it sends the input. */
const stages = [
  'nothing',
  'first line',
  'keys',
  'log-in',
  'target: nothing',
  'target: first line',
  'target: keys',
] as const
type Stage = (typeof stages)[number]

const password = 'right'
const kexInit = Buffer.concat([
  Buffer.of(20),
  Buffer.alloc(16, 7),
  message(
    0,
    'curve25519-sha256,kex-strict-c-v00@openssh.com',
    'ssh-ed25519',
    ...Array<string>(2).fill('aes128-gcm@openssh.com'),
    ...Array<string>(2).fill('hmac-sha2-256'),
    ...Array<string>(2).fill('none'),
    '',
    '',
    false,
    0,
  ).subarray(1),
])
const key = message(0, 'ssh-ed25519', Buffer.alloc(32, 1)).subarray(1)
const signature = message(0, 'ssh-ed25519', Buffer.alloc(64, 2)).subarray(1)
const user = ['alice', 'ssh-connection'] as const

/** One of each message, as it should be. */
const messages: readonly Buffer[] = [
  message(1, 11, 'bye', ''),
  message(2, 'ignored'),
  message(3, 7),
  message(4, true, 'words', ''),
  message(5, 'ssh-userauth'),
  message(6, 'ssh-userauth'),
  message(7, 1, 'server-sig-algs', 'ssh-ed25519,rsa-sha2-256'),
  kexInit,
  message(21),
  message(30, Buffer.alloc(32, 9)),
  message(31, key, Buffer.alloc(32, 9), signature),
  message(50, ...user, 'none'),
  message(50, ...user, 'password', false, password),
  message(50, ...user, 'password', true, 'old', 'new'),
  message(50, ...user, 'publickey', false, 'ssh-ed25519', key),
  message(50, ...user, 'publickey', true, 'ssh-ed25519', key, signature),
  message(50, ...user, 'publickey', true, 'rsa-sha2-512-cert-v01@openssh.com', key, signature),
  message(50, ...user, 'keyboard-interactive', '', ''),
  message(50, ...user, 'hostbased', 'ssh-ed25519', key, 'host', 'bob', signature),
  message(51, 'password,publickey', false),
  message(52),
  message(53, 'banner', ''),
  message(60, 'name', 'words', '', 1, 'Password: ', false),
  message(61, 1, password),
  message(80, 'tcpip-forward', true, '127.0.0.1', 0),
  message(81),
  message(82),
  message(90, 'session', 0, 0x200000, 0x8000),
  message(90, 'direct-tcpip', 1, 0x200000, 0x8000, 'host', 80, '127.0.0.1', 1),
  message(91, 0, 0, 0x200000, 0x8000),
  message(92, 0, 1, 'no', ''),
  message(93, 0, 0xffffffff),
  message(94, 0, 'data'),
  message(95, 0, 1, 'errors'),
  message(96, 0),
  message(97, 0),
  message(98, 0, 'pty-req', true, 'xterm', 80, 24, 0, 0, Buffer.from([53, 0, 0, 0, 1, 0])),
  message(98, 0, 'exec', true, Buffer.from([0xff, 0xfe])),
  message(99, 0),
  message(100, 0),
  message(192, 'ping'),
]
const lines = ['SSH-2.0-fuzz\r\n', 'SSH-1.99-old words\n', 'Welcome\r\n', 'GET / HTTP/1.1\r\n\r\n'].map(
  (line) => Buffer.from(line),
)
const numbers = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff].map(uint32)

const subject: Subject = {
  seeds: stages.flatMap((stage, index) => {
    const isClear = stage.endsWith('nothing') || stage.endsWith('first line')
    const all = isClear ? messages.map(clearPacket) : messages
    const whole = stage.endsWith('nothing') ? [...lines, ...all] : all
    return [...whole.map((one) => framed(index, [one])), framed(index, whole.slice(0, 12))]
  }),
  words: [...messages, ...lines, ...numbers, clearPacket(kexInit)],
  invent: (random: Random) => {
    const stage = random.below(stages.length)
    const isClear = stages[stage]?.endsWith('keys') === false && stages[stage] !== 'log-in'
    const parts = Array.from({ length: 1 + random.below(8) }, () => pick(random, messages))
    return framed(stage, isClear ? parts.map(clearPacket) : parts)
  },
  async run(input) {
    const stage = stages[(input[0] ?? 0) % stages.length]!
    const parts = [...unframed(input.subarray(1))]
    if (stage.startsWith('target')) await againstClient(stage, parts)
    else await againstServer(stage, parts)
    return Math.max(1, parts.length)
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

const hostKey = newHostKey()

async function againstServer(stage: Stage, parts: readonly Buffer[]): Promise<void> {
  const [theirs, ours] = duplexPair()
  let isRight = false
  let isIn = false
  const errors: Error[] = []
  const onConnection = (connection: ServerConnection): void => {
    connection.on('error', (error) => errors.push(error))
    connection.on('authentication', (request) => {
      isRight ||= request.method === 'password' && request.password === password
      if (isRight) request.accept()
      else request.reject(['password', 'publickey'])
    })
    connection.once('ready', () => {
      isIn = true
      follow(connection)
    })
  }
  new SshServer({ hostKeys: [{ key: hostKey }], ident: 'Sallyport_fuzz' }).accept(ours, onConnection)
  if (stage === 'nothing' || stage === 'first line') {
    theirs.resume().on('error', () => undefined)
    if (stage === 'first line') theirs.write('SSH-2.0-fuzz\r\n')
    for (const part of parts) theirs.write(part)
  } else {
    const logIns = stage === 'log-in' ? [{ type: 'password', password } as const] : []
    const client = connectSsh(theirs, {
      username: 'alice',
      logIns,
      verifyHost: () => true,
      readyTimeoutMs: 0,
    })
    client.on('error', () => undefined)
    if (stage === 'keys') beSilent(client)
    await once(client, stage === 'keys' ? 'handshake' : 'ready')
    if (stage === 'log-in') follow(client)
    for (const part of parts) sendWhereWritable(client, theirs, part)
  }
  await settle()
  must(isIn === isRight, () => (isIn ? 'somebody is in without the password' : 'the password was right'))
  // What one read brings behind a goodbye may be complained of, too: the client has left anyway.
  const complaints = errors.filter((error) => !isGoodbye(error))
  must(complaints.length <= 1, () => `went on after ${complaints[0]?.message}: ${complaints[1]?.message}`)
  must(
    errors.length === 0 || ours.writableEnded || ours.destroyed,
    () => `goes on after ${errors[0]?.message}`,
  )
  await over(theirs, ours)
}

/** The other side's own DISCONNECT, with its reason's number. */
function isGoodbye(error: Error & { readonly code?: unknown }): boolean {
  return typeof error.code === 'number'
}

async function againstClient(stage: Stage, parts: readonly Buffer[]): Promise<void> {
  const [theirs, ours] = duplexPair()
  const errors: Error[] = []
  let hasKeys = false
  let isIn = false
  const client = connectSsh(ours, {
    username: 'alice',
    logIns: [{ type: 'password', password }],
    verifyHost: () => true,
    readyTimeoutMs: 0,
  })
  client.on('error', (error) => errors.push(error))
  client.on('handshake', () => (hasKeys = true))
  client.once('ready', () => {
    isIn = true
    follow(client)
  })
  theirs.on('error', () => undefined)
  if (stage === 'target: keys') {
    const ready = Promise.withResolvers<ServerConnection>()
    new SshServer({ hostKeys: [{ key: hostKey }], ident: 'Sallyport_fuzz' }).accept(theirs, (connection) => {
      connection.on('error', () => undefined)
      connection.once('authentication', () => ready.resolve(connection))
    })
    const connection = await ready.promise
    for (const part of parts) sendWhereWritable(connection, theirs, part)
  } else {
    theirs.resume()
    if (stage === 'target: first line') theirs.write('SSH-2.0-fuzz\r\n')
    for (const part of parts) theirs.write(part)
  }
  await settle()
  must(!isIn || hasKeys, () => 'logged in where nothing is protected')
  must(
    errors.length === 0 || ours.writableEnded || ours.destroyed,
    () => `goes on after ${errors[0]?.message}`,
  )
  await over(theirs, ours)
}

/** Takes what comes after log-in, and wants none of it. */
function follow(connection: ServerConnection | ClientConnection): void {
  const ssh: SshConnection = new SshConnection(new Transport(connection, () => ssh))
  ;(connection as ServerConnection).on('close', () => ssh.over())
  ssh.listen({
    open: (request) => request.accept().listen({ request: ({ reply }) => reply(true) }),
    request: ({ reply }) => reply(false),
    broken: (fault) => disconnect(connection, fault.message),
    over: () => undefined,
  })
}

/** Keeps a client from asking for anything by itself. */
function beSilent(client: ClientConnection): void {
  const { _protocol } = client as unknown as { _protocol: { service: () => void; _handlers: object } }
  _protocol.service = () => undefined
  Object.assign(_protocol._handlers, { SERVICE_ACCEPT: () => undefined, USERAUTH_FAILURE: () => undefined })
}

function sendWhereWritable(
  connection: ServerConnection | ClientConnection,
  stream: Duplex,
  part: Buffer,
): void {
  if (part.length > 0 && stream.writable) sendRaw(connection, part)
}

async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await setImmediate()
}

async function over(...streams: readonly Duplex[]): Promise<void> {
  for (const stream of streams) stream.destroy()
  await settle()
}

function framed(stage: number, parts: readonly Buffer[]): Buffer {
  const pieces = parts.flatMap((part) => [uint32(part.length).subarray(2), part])
  return Buffer.concat([Buffer.of(stage), ...pieces])
}

function* unframed(input: Buffer): Generator<Buffer> {
  for (let at = 0; at + 2 <= input.length;) {
    const end = at + 2 + input.readUInt16BE(at)
    yield input.subarray(at + 2, end)
    at = end
  }
}
