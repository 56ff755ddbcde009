import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import { listenForAgents, newKey, openAgentDoor, renew, type AgentServer } from '../src/index.ts'
import { MemoryDirectory, testAuthority } from '../src/testing/index.ts'
import { everything, Target, TestAgent, TestGateway, until } from './world.ts'

/** A gateway of several processes, all in this one: a door, and behind it ends of the tunnel that listen nowhere. */
class Processes implements AsyncDisposable {
  readonly servers: (AgentServer | undefined)[] = []
  readonly directory = new MemoryDirectory()
  /** Which process each connection asked for. */
  readonly asked: (number | undefined)[] = []
  readonly #life = new AsyncDisposableStack()
  port = 0

  static async start(
    count: number,
    authority: Awaited<ReturnType<typeof testAuthority>>,
    port = 0,
    directory = new MemoryDirectory(),
  ): Promise<Processes> {
    const processes = new Processes()
    Object.assign(processes, { directory })
    for (let process = 1; process <= count; process++) {
      const server = await listenForAgents({
        place: { process, processes: count },
        certificate: await authority.server(),
        authority,
        directory,
        onEvent: () => {},
      })
      processes.servers.push(processes.#life.use(server))
    }
    const pass = (socket: Socket, head: Buffer, process: number | undefined): void => {
      processes.asked.push(process)
      const server = processes.servers[(process ?? 1) - 1]
      if (server === undefined) socket.destroy()
      else server.take(socket, head)
    }
    const door = await openAgentDoor({ host: '127.0.0.1', port, pass, limits: { handshakeMs: 300 } })
    processes.#life.use(door)
    processes.port = door.port
    return processes
  }

  attached(): number[] {
    return this.servers.map((server) => server?.attached().length ?? 0)
  }

  async dialAll(port: number): Promise<string[]> {
    const request = { pool: 'shop', resource: 'orders-db', session: 'ses_1', host: '127.0.0.1', port }
    const words: string[] = []
    for (const [i, server] of this.servers.entries()) {
      const stream = await server!.dial(request, new AbortController().signal)
      stream.end(`process ${i + 1}`)
      words.push((await everything(stream)).toString())
    }
    return words
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#life.disposeAsync()
  }
}

async function enrolled(authority: Awaited<ReturnType<typeof testAuthority>>, directory: MemoryDirectory) {
  await using alone = await TestGateway.start({}, { authority, directory })
  return await alone.enrol()
}

test('an agent attaches to each process of a gateway, and carries for each what it asks', async () => {
  const authority = await testAuthority()
  await using target = await Target.echo()
  await using gateway = await Processes.start(3, authority)
  const credentials = await enrolled(authority, gateway.directory)
  await using agent = new TestAgent(`127.0.0.1:${gateway.port}`, credentials)
  await until(() => gateway.attached().join() === '1,1,1', 'three attachments')
  expect(await gateway.dialAll(target.port)).toEqual(['process 1', 'process 2', 'process 3'])
  expect(new Set(gateway.asked)).toEqual(new Set([undefined, 1, 2, 3]))

  const both = await renew({ gateway: `127.0.0.1:${gateway.port}`, credentials, privateKey: newKey() })
  agent.identity.replace(both)
  await until(() => [...gateway.directory.agents.values()][0]?.keys.generation === 2, 'the new key')
  await until(() => gateway.attached().join() === '1,1,1', 'three attachments')
  expect([...gateway.directory.agents.values()][0]?.isRevoked).toBe(false)
  expect(await gateway.dialAll(target.port)).toHaveLength(3)
})

test('an agent follows a gateway that comes back with more processes, with fewer, and with one', async () => {
  const authority = await testAuthority()
  const directory = new MemoryDirectory()
  const credentials = await enrolled(authority, directory)
  let gateway = await Processes.start(1, authority, 0, directory)
  const { port } = gateway
  await using _agent = new TestAgent(`127.0.0.1:${port}`, credentials)
  for (const count of [1, 3, 2]) {
    await gateway[Symbol.asyncDispose]()
    gateway = await Processes.start(count, authority, port, directory)
    await until(() => gateway.attached().every((attached) => attached === 1), `${count} attachments`, 15_000)
  }
  await gateway[Symbol.asyncDispose]()
  await using alone = await TestGateway.start({}, { authority, directory, port })
  await until(() => alone.server.attached().length === 1, 'one attachment', 15_000)
  await using target = await Target.echo()
  const stream = await alone.dial(target.port)
  stream.end('alone')
  expect((await everything(stream)).toString()).toBe('alone')
}, 60_000)

test('whoever greets the door with no TLS, with too little, or with nothing, is shown out', async () => {
  await using gateway = await Processes.start(1, await testAuthority())
  for (const words of ['GET / HTTP/1.1\r\n\r\n', '', Buffer.of(22, 3, 1, 2, 0, 1), randomBytes(20_000)]) {
    const socket = connect(gateway.port, '127.0.0.1').on('error', () => {})
    socket.write(words)
    await once(socket.resume(), 'close')
  }
  expect(gateway.asked).toEqual([])
  const other = connectTls({ port: gateway.port, servername: 'elsewhere.example', rejectUnauthorized: false })
  await once(other, 'secureConnect')
  expect(gateway.asked).toEqual([undefined])
  other.destroy()
})
