import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFaultyLink } from '../world/faulty-link.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { query } from '../world/raw-messages.ts'
import { fieldsOf, RawPostgres, type RawFrame } from '../world/raw-postgres.ts'
import { soon } from '../world/soon.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'

describe('when something breaks', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declarePostgres(sallyport, server)
    await sallyport.apply(unrestricted)
    alice = await sallyport.person('alice', ['unrestricted'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const connect = () => RawPostgres.connect(sallyport.endpoint(alice, 'orders-db', 'shop'))
  const codeOf = (frames: readonly RawFrame[]) => fieldsOf(frames.findLast(({ tag }) => tag === 'E')!)['C']

  async function works(): Promise<void> {
    const client = await soon(() => connect().catch(() => undefined))
    client.send(query('select 1'))
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'D', 'C', 'Z'])
    await client[Symbol.asyncDispose]()
  }

  test('an agent that is killed in mid-query ends it with words, and new sessions work once it is back', async () => {
    await using client = await connect()
    client.send(query('select pg_sleep(30)'))
    await soon(async () =>
      (
        await server.query(
          "select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()",
          'shop',
        )
      ).length > 0
        ? true
        : undefined,
    )
    await sallyport.agent.kill()
    expect(codeOf(await client.untilOver())).toBe('08006')

    const refused = await connect().then(
      () => 'let in',
      (thrown: Error) => thrown.message,
    )
    expect(refused).toMatch(/^08001 sallyport: .*agent/)
    await sallyport.startAgent()
    await works()
  })

  test('a gateway that is killed recovers its recordings, its store and its agent', async () => {
    await using client = await connect()
    client.send(query('create table before_the_end (a int)'))
    await client.untilReady()
    await sallyport.gateway.kill()
    await client.untilOver()
    await sallyport.startGateway()
    await soon(() => (sallyport.agent.output.match(/"attached"/g)!.length >= 2 ? true : undefined), 40_000)
    await works()

    const { items } = await sallyport.admin.client.sessions.list({ limit: 50 })
    const interrupted = items.find(({ reason }) => reason === 'interrupted')!
    expect(await sallyport.admin.client.sessions.verify({ id: interrupted.id })).toMatchObject({
      state: 'interrupted',
    })
    const texts: unknown[] = []
    for await (const event of sallyport.admin.client.sessions.events({ id: interrupted.id }))
      texts.push(event['text'])
    expect(texts).toContain('create table before_the_end (a int)')
  })

  test('a gateway that is told to stop lets nobody in, tells who is there, and ends in order', async () => {
    await using client = await connect()
    client.send(query('select 1'))
    await client.untilReady()
    sallyport.gateway.signal('SIGTERM')
    expect(codeOf(await client.untilOver())).toBe('57P01')
    expect(await sallyport.gateway.exited).toMatchObject({ code: 0 })
    await sallyport.startGateway()
    await works()
  })

  test('a target that dies ends its sessions with words', async () => {
    await using other = await startPostgres({ databases: ['shop'] })
    await using agent = await sallyport.startAgentAs('other', [`127.0.0.1:${other.port}`])
    await agent.line(/attached/)
    await declarePostgres(sallyport, other, { name: 'dying-db', agent: 'local' })
    const client = await soon(() =>
      RawPostgres.connect(sallyport.endpoint(alice, 'dying-db', 'shop')).catch(() => undefined),
    )
    await other.kill()
    expect(['08006', '57P01', '57P02']).toContain(codeOf(await client.untilOver()))
    const again = await RawPostgres.connect(sallyport.endpoint(alice, 'dying-db', 'shop')).catch(
      (thrown: Error) => thrown.message,
    )
    expect(again).toMatch(/^(08001|08004) sallyport: /)
    await works()
  })

  test.each([
    ['answers nothing', () => undefined],
    ['closes at once', (socket: import('node:net').Socket) => void socket.destroy()],
    [
      'speaks something else',
      (socket: import('node:net').Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ],
    ['offers no TLS', (socket: import('node:net').Socket) => void socket.write('N')],
    [
      'says yes and speaks no TLS',
      (socket: import('node:net').Socket) => void socket.write('Snonsense nonsense nonsense'),
    ],
  ])('a target that %s is refused with words', async (_, behave) => {
    const impostor = createServer((socket) => {
      socket.on('error', () => undefined)
      behave(socket)
    }).listen(0, '127.0.0.1')
    await once(impostor, 'listening')
    const { port } = impostor.address() as AddressInfo
    await using agent = await sallyport.startAgentAs(`impostor-${port}`, [
      `127.0.0.1:${port}`,
      `127.0.0.1:${server.port}`,
    ])
    await agent.line(/attached/)
    await declarePostgres(sallyport, server, { name: 'impostor', port })
    const from = performance.now()
    const said = await soon(async () => {
      const message = await RawPostgres.connect(sallyport.endpoint(alice, 'impostor', 'shop')).then(
        () => 'let in',
        (thrown: Error) => thrown.message,
      )
      // The pool has agents that may not dial it: only the one that may tells.
      return message.startsWith('08004') ? undefined : message
    }, 80_000)
    expect(said).toMatch(/^(08001|08006|08P01) sallyport: /)
    expect(performance.now() - from).toBeLessThan(75_000)
    impostor.close()
  })

  test('a target whose certificate is for another name is refused with words', async () => {
    await using other = await startPostgres({ databases: ['shop'], names: ['somewhere.else'] })
    await using agent = await sallyport.startAgentAs('names', [
      `127.0.0.1:${other.port}`,
      `127.0.0.1:${server.port}`,
    ])
    await agent.line(/attached/)
    await declarePostgres(sallyport, other, { name: 'misnamed' })
    const said = await soon(async () => {
      const message = await RawPostgres.connect(sallyport.endpoint(alice, 'misnamed', 'shop')).then(
        () => 'let in',
        (thrown: Error) => thrown.message,
      )
      return message.startsWith('08004') ? undefined : message
    })
    expect(said).toMatch(/^08001 sallyport: .*certificate/)
  })

  test('a wrong password on the target is refused without a word of it', async () => {
    await sallyport.apply({ kind: 'Credential', name: 'wrong', password: 'a-wrong-password' })
    await declarePostgres(sallyport, server, {
      name: 'wrong-password',
      accounts: [{ name: server.user, credential: { from: 'sealed', name: 'wrong' } }],
    })
    const said = await RawPostgres.connect(sallyport.endpoint(alice, 'wrong-password', 'shop')).catch(
      (thrown: Error) => thrown.message,
    )
    expect(said).toMatch(/^08004 sallyport: .*28P01/)
    expect(said).not.toContain('a-wrong-password')
    expect(sallyport.gateway.output).not.toContain('a-wrong-password')
  })

  test('a stalled client of a large result costs the gateway and the agent next to nothing', async () => {
    await using client = await connect()
    client.send(query('select 1'))
    await client.untilReady()
    const before = rssOf(sallyport.gateway.pid) + rssOf(sallyport.agent.pid)
    client.pause()
    client.send(query("select repeat('x', 10000) from generate_series(1, 100000)"))
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const grown = rssOf(sallyport.gateway.pid) + rssOf(sallyport.agent.pid) - before
    // A gigabyte waits; what is in flight is a few windows.
    expect(grown).toBeLessThan(150 * 1024 * 1024)
    client.destroy()
    await works()
  })

  test('a link that is cut between agent and gateway heals by itself', async () => {
    await using link = await startFaultyLink(sallyport.ports.agents)
    await using agent = await sallyport.startAgentAs('linked', [`127.0.0.1:${server.port}`], link.port)
    await agent.line(/attached/)
    link.cut()
    const times = (): number => (agent.output.match(/"msg":"attached"/g) ?? []).length
    expect(await soon(() => (times() >= 2 ? times() : undefined), 60_000)).toBe(2)
  })
})

function rssOf(pid: number): number {
  const { readFileSync } = process.getBuiltinModule('node:fs')
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}
