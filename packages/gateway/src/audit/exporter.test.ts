import { appendFile, mkdir, readFile, rename, rmdir, stat } from 'node:fs/promises'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditChain, systemClock, type AuditEntry } from '@sallyport/core'
import { createAuthority, loadAuthority } from '@sallyport/identity'
import { openStore, type Store } from '@sallyport/store'
import { temporaryDirectory } from '../testing/world.ts'
import { AuditExporter } from './exporter.ts'
import { fileReceiver, syslogReceiver, type AuditReceiver } from './receivers.ts'

let life: AsyncDisposableStack
let store: Store
let directory: string
let troubles: unknown[]
beforeEach(async () => {
  life = new AsyncDisposableStack()
  directory = life.use(await temporaryDirectory()).path
  store = life.use(await openStore({ file: ':memory:', clock: systemClock }))
  troubles = []
})
afterEach(() => life.disposeAsync())

const note = (what: string) => store.write('system', 'test', (tx) => Promise.resolve(tx.note(what)))
const exported = (receiver: AuditReceiver) =>
  new AuditExporter({ store, receiver, onTrouble: (error) => void troubles.push(error), lookMs: 10 })
const linesIn = async (path: string) =>
  (await readFile(path, 'utf8').catch(() => ''))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEntry)
const isSound = (entries: readonly AuditEntry[]) => {
  const chain = new AuditChain()
  return entries.every((entry) => chain.take(entry))
}

describe('the audit log in a file', () => {
  test('has every entry once, in order, across restarts, and nobody else may read it', async () => {
    const path = join(directory, 'audit.jsonl')
    for (const what of ['a', 'b']) await note(what)
    {
      await using _running = exported(fileReceiver(path))
      await expect.poll(() => linesIn(path)).toHaveLength(2)
      await note('c')
      await expect.poll(() => linesIn(path)).toHaveLength(3)
      await expect.poll(() => store.read.audit.taken(`file:${path}`)).toBe(3)
    }
    await note('d')
    await using _again = exported(fileReceiver(path))
    await expect.poll(() => linesIn(path)).toHaveLength(4)
    const entries = await linesIn(path)
    expect(isSound(entries)).toBe(true)
    expect(entries.map(({ changes }) => changes[0])).toEqual(['a', 'b', 'c', 'd'])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(troubles).toEqual([])
  })

  test('goes on in a new one where the old one was moved away, and begins a line that was torn again', async () => {
    const path = join(directory, 'audit.jsonl')
    await note('a')
    {
      await using _running = exported(fileReceiver(path))
      await expect.poll(() => store.read.audit.taken(`file:${path}`)).toBe(1)
      await rename(path, `${path}.1`)
      await note('b')
      await expect.poll(() => store.read.audit.taken(`file:${path}`)).toBe(2)
    }
    await appendFile(path, '{"seq":3,"torn')
    await note('c')
    await using _again = exported(fileReceiver(path))
    await expect.poll(async () => (await readFile(path, 'utf8')).split('\n').length).toBe(3)
    expect((await linesIn(path)).map(({ seq }) => seq)).toEqual([2, 3])
    expect((await linesIn(`${path}.1`)).map(({ seq }) => seq)).toEqual([1])
  })

  test('begins a line again that was torn by a disk that failed', async () => {
    const path = join(directory, 'audit.jsonl')
    await note('a')
    await using _running = exported(fileReceiver(path))
    await expect.poll(() => store.read.audit.taken(`file:${path}`)).toBe(1)
    // Full, with half of a line on it; and there is room again.
    await rename(path, `${path}.kept`)
    await mkdir(path)
    await note('b')
    await expect.poll(() => troubles).toHaveLength(1)
    await appendFile(`${path}.kept`, '{"seq":2,"torn')
    await rmdir(path)
    await rename(`${path}.kept`, path)
    await expect.poll(() => store.read.audit.taken(`file:${path}`), { timeout: 5000 }).toBe(2)
    expect((await linesIn(path)).map(({ seq }) => seq)).toEqual([1, 2])
  })

  test('waits for a disk that fails, and says so once', async () => {
    const path = join(directory, 'missing', 'audit.jsonl')
    await using running = exported(fileReceiver(path))
    expect(running.isTroubled).toBe(false)
    await note('a')
    await expect.poll(() => troubles).toHaveLength(1)
    expect(await store.read.audit.taken(`file:${path}`)).toBe(0)
    // Whoever writes does not wait.
    await note('b')
    expect(running).toMatchObject({ name: `file:${path}`, isTroubled: true })
    await mkdir(join(directory, 'missing'))
    await expect.poll(() => running.isTroubled, { timeout: 5000 }).toBe(false)
  })
})

/** Takes messages as RFC 6587 frames them. */
class Collector implements AsyncDisposable {
  readonly messages: string[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(server: Server, event = 'connection') {
    this.#server = server
    server.on(event, (socket: Socket) => {
      this.#sockets.add(socket)
      let rest = Buffer.alloc(0)
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk])
        for (;;) {
          const space = rest.indexOf(0x20)
          const length = Number(rest.toString('latin1', 0, Math.max(space, 0)))
          if (space < 0 || rest.length < space + 1 + length) return
          this.messages.push(rest.toString('utf8', space + 1, space + 1 + length))
          rest = rest.subarray(space + 1 + length)
        }
      })
    })
  }

  get seqs(): number[] {
    return this.messages.map((message) => Number(/ seq="(\d+)"/.exec(message)?.[1]))
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}

describe('the audit log by syslog', () => {
  test('comes over TCP without a gap, and what may have been lost with a connection comes again', async () => {
    let collector = new Collector(createServer())
    const port = await collector.listen()
    await using _running = exported(syslogReceiver({ transport: 'tcp', host: '127.0.0.1', port }, 'gw'))
    for (const what of ['a', 'b', 'ü'.repeat(9000)]) await note(what)
    await expect.poll(() => [...new Set(collector.seqs)]).toEqual([1, 2, 3])
    expect(collector.messages.filter((one) => one.includes('seq="3"')).length).toBe(3)
    await expect.poll(() => store.read.audit.taken(`syslog:tcp://127.0.0.1:${port}`)).toBe(3)
    await collector[Symbol.asyncDispose]()
    for (let i = 0; i < 20; i++) await note(`while it is away ${i}`)
    await expect.poll(() => troubles.length).toBeGreaterThan(0)
    collector = new Collector(createServer())
    await collector.listen(port)
    await using _collector = collector
    await expect.poll(() => new Set(collector.seqs).size, { timeout: 10_000 }).toBe(23)
    expect([...new Set(collector.seqs)]).toEqual(Array.from({ length: 23 }, (_, i) => i + 1))
  })

  test('comes over TLS to the receiver whose certificate is trusted, and to no other', async () => {
    const authority = await loadAuthority(await createAuthority({ name: 'receivers' }))
    const { certificate, privateKey } = await authority.issueServerCertificate({ names: ['127.0.0.1'] })
    await using collector = new Collector(
      createTlsServer({ cert: certificate, key: privateKey.reveal() }),
      'secureConnection',
    )
    const port = await collector.listen()
    const to = { transport: 'tls', host: '127.0.0.1', port } as const
    await note('a')
    {
      await using _untrusted = exported(syslogReceiver(to, 'gw'))
      await expect.poll(() => troubles).toHaveLength(1)
      expect(collector.messages).toEqual([])
    }
    await using _trusted = exported(
      syslogReceiver({ ...to, certificateAuthority: authority.certificate }, 'gw'),
    )
    await expect.poll(() => collector.seqs).toEqual([1])
  })

  test('goes by UDP, a message a datagram', async () => {
    const socket = createSocket('udp4')
    life.defer(() => new Promise<void>((resolve) => socket.close(() => resolve())))
    const messages: string[] = []
    socket.on('message', (message) => void messages.push(message.toString('utf8')))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    await using _running = exported(
      syslogReceiver({ transport: 'udp', host: '127.0.0.1', port: socket.address().port }, 'gw'),
    )
    await note('x'.repeat(2500))
    await expect.poll(() => messages).toHaveLength(3)
    expect(messages[0]).toMatch(/^<109>1 \S+ gw sallyport - upkeep \[audit@32473 seq="1" /)
  })
})
