import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Endpoint } from '../world/endpoint.ts'
import { soon } from '../world/soon.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import {
  cancelRequest,
  cstring,
  int16,
  int32,
  message,
  parse,
  query,
  sslRequest,
  startup,
  sync,
} from '../world/raw-messages.ts'
import { fieldsOf, openStream, RawPostgres, wordsOf, type RawFrame } from '../world/raw-postgres.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'

const pairs = ['user', 'a', 'user', 'b'].map(cstring)
const body = Buffer.concat([int32(196_608), ...pairs, Buffer.of(0)])
const twice = Buffer.concat([int32(body.length + 4), body])

describe('hostile and broken clients', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person
  let endpoint: Endpoint
  /** Connected before all of it, and asked after each: nobody else is disturbed. */
  let bystander: RawPostgres

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declarePostgres(sallyport, server)
    await sallyport.apply(unrestricted)
    alice = await sallyport.person('alice', ['unrestricted'])
    endpoint = sallyport.endpoint(alice, 'orders-db', 'shop')
    bystander = await RawPostgres.connect(endpoint)
    bystander.send(query('create table kept (a int)'))
    await bystander.untilReady()
  })
  afterAll(async () => {
    await bystander?.[Symbol.asyncDispose]()
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  async function bystanderIsWell(): Promise<void> {
    bystander.send(query('select count(*) from kept'))
    expect((await bystander.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'D', 'C', 'Z'])
  }

  const lastError = (frames: readonly RawFrame[]) => fieldsOf(frames.findLast(({ tag }) => tag === 'E')!)

  test.each<[string, Uint8Array, string]>([
    [
      'a Parse of length 4, then a DROP',
      Buffer.concat([Buffer.from('P\0\0\0\x04', 'latin1'), query('drop table kept')]),
      '08P01',
    ],
    ['a length below four', Buffer.from('Q\0\0\0\x03', 'latin1'), '08P01'],
    ['a negative length', Buffer.from('Q\xff\xff\xff\xf0', 'latin1'), '08P01'],
    ['a message beyond any cap', Buffer.from('Q\x7f\xff\xff\xff', 'latin1'), '54000'],
    ['a small message that is too long', message('S', Buffer.alloc(20_000)), '54000'],
    ['an unknown type', message('!', Buffer.from('x')), '08P01'],
    [
      'bytes behind the terminating NUL of a Query',
      message('Q', cstring('select 1'), Buffer.from('drop table kept\0')),
      '08P01',
    ],
    ['a Query without a NUL', message('Q', Buffer.from('select 1')), '08P01'],
    [
      'a Bind with a parameter of length -2',
      message('B', cstring(''), cstring(''), int16(0), int16(1), int32(-2), int16(0)),
      '08P01',
    ],
    [
      'a Bind that counts more than it has',
      message('B', cstring(''), cstring(''), int16(0), int16(500), int16(0)),
      '08P01',
    ],
    [
      'bytes behind a Parse',
      message('P', cstring(''), cstring('select 1'), int16(0), Buffer.from('x')),
      '08P01',
    ],
    ['a Describe of neither statement nor portal', message('D', Buffer.from('X'), cstring('')), '08P01'],
    ['a password after the log-in', message('p', cstring('again')), '08P01'],
  ])('%s ends the session with words, and reaches nothing', async (_, bytes, code) => {
    await using client = await RawPostgres.connect(endpoint)
    client.send(bytes)
    expect(lastError(await client.untilOver())).toMatchObject({ S: 'FATAL', C: code })
    await bystanderIsWell()
  })

  test.each<[string, Uint8Array, string]>([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), '54000'],
    ['ten megabytes of start-up', int32(10_000_000), '54000'],
    ['a start-up too short', int32(5), '08P01'],
    ['protocol 2', Buffer.concat([int32(8), int32(131_072)]), '08P01'],
    ['protocol 4', Buffer.concat([int32(9), int32(262_144), Buffer.from([0])]), '0A000'],
    ['a parameter given twice', twice, '08P01'],
    ['a physical replication connection', startup({ user: 'orders-db', replication: 'true' }), '0A000'],
    ['a role by option', startup({ user: 'orders-db', options: '-c role=postgres' }), '0A000'],
    ['another encoding', startup({ user: 'orders-db', client_encoding: 'SJIS' }), '0A000'],
    ['a user with a newline', startup({ user: 'orders\ndb' }), '08P01'],
    ['TLS asked for twice', Buffer.concat([sslRequest(), sslRequest()]), '08P01'],
  ])('%s in place of a log-in is refused with words', async (_, bytes, code) => {
    const { trust: _trust, ...plain } = endpoint
    await using client = new RawPostgres(await openStream(plain))
    client.send(bytes)
    const said = await client.untilOver()
    // What was said before may be an answer to the TLS request, which is no message.
    expect(said.map((frame) => (frame.tag === 'E' ? fieldsOf(frame)['C'] : frame.tag)).at(-1)).toBe(code)
    await bystanderIsWell()
  })

  test('wrong, malformed, revoked tokens and unknown resources are told apart by nobody', async () => {
    const minted = await alice.client.tokens.create({ label: 'soon gone' })
    await alice.client.tokens.revoke({ id: minted.id })
    const refusals = await Promise.all(
      ['sp_nonsense', minted.token, ''].map((password) =>
        RawPostgres.connect({ ...endpoint, password }).catch((thrown: Error) => thrown.message),
      ),
    )
    expect(new Set(refusals).size).toBe(1)
    expect(refusals[0]).toMatch(/^28P01 sallyport: /)

    const stranger = await sallyport.person('stranger', [])
    const reach = (person: Person, resource: string): Promise<string> =>
      RawPostgres.connect(sallyport.endpoint(person, resource, 'shop')).then(
        () => 'let in',
        (thrown: Error) => thrown.message,
      )
    const forbidden = await reach(stranger, 'orders-db')
    const unknown = await reach(stranger, 'no-such-db')
    expect(forbidden).toMatch(/^28000 sallyport: /)
    expect(unknown.replaceAll('no-such-db', 'X')).toBe(forbidden.replaceAll('orders-db', 'X'))
    await bystanderIsWell()
  })

  test('revoking a token ends its live session at once, with words', async () => {
    const minted = await alice.client.tokens.create({ label: 'short' })
    await using client = await RawPostgres.connect({ ...endpoint, password: minted.token })
    await alice.client.tokens.revoke({ id: minted.id })
    expect(lastError(await client.untilOver(5_000))).toMatchObject({ S: 'FATAL', C: '57P01' })
    await bystanderIsWell()
  })

  test('killing a session ends it at once, and its running statement on the target', async () => {
    await using client = await RawPostgres.connect({ ...endpoint, database: 'postgres' })
    client.send(query('select pg_sleep(60)'))
    const running =
      "select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()"
    await soon(async () => ((await server.query(running, 'postgres')).length === 1 ? true : undefined))
    const [newest] = (await sallyport.admin.client.sessions.list({ live: true })).items
    await sallyport.admin.client.sessions.kill({ id: newest!.id, reason: 'runaway query' })
    expect(lastError(await client.untilOver(5_000))).toMatchObject({ S: 'FATAL', C: '57P01' })
    await soon(async () => ((await server.query(running, 'postgres')).length === 0 ? true : undefined))
    await bystanderIsWell()
  })

  test('a cancel request reaches the statement whose key it has, and no other', async () => {
    await using client = await RawPostgres.connect(endpoint)
    client.send(query('select pg_sleep(30)'))
    const { trust: _trust, ...plain } = endpoint
    const cancel = async (key: Buffer): Promise<void> => {
      await using other = new RawPostgres(await openStream(plain))
      other.send(cancelRequest(key))
      expect(await other.untilOver()).toEqual([])
    }
    const wrong = Buffer.from(client.cancelKey)
    wrong[wrong.length - 1]! ^= 1
    await cancel(wrong)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await cancel(client.cancelKey)
    expect(lastError(await client.untilReady())).toMatchObject({ C: '57014' })
    client.send(query('select 1'))
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'D', 'C', 'Z'])
  })

  test('a client is told the process id by which the server calls it, and tells its own notifications by it', async () => {
    await using client = await RawPostgres.connect(endpoint)
    client.send(query('select pg_backend_pid()'))
    const row = (await client.untilReady()).find(({ tag }) => tag === 'D')!
    const told = client.cancelKey.readInt32BE(0)
    expect(row.body.toString('latin1', 6)).toBe(String(told))
    client.send(query("listen own; select pg_notify('own', 'x')"))
    const heard = (await client.untilReady()).find(({ tag }) => tag === 'A')!
    expect(heard.body.readInt32BE(0)).toBe(told)
    expect(client.cancelKey).toHaveLength(8)
  })

  test('invalid UTF-8 and broken SQL are refused as errors, and the session goes on', async () => {
    await using client = await RawPostgres.connect(endpoint)
    client.send(message('Q', Buffer.from('select \xff\xfe\0', 'latin1')))
    expect(wordsOf((await client.untilReady())[0]!)).toMatch(/^42601 sallyport: .*UTF8/)
    client.send(query('selec 1'))
    expect(wordsOf((await client.untilReady())[0]!)).toMatch(/^42601 syntax error/)
    client.send(parse('select 1'), sync())
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['1', 'Z'])
  })

  test('newer protocol versions and unknown options are negotiated down', async () => {
    const { trust: _trust, ...plain } = endpoint
    await using client = new RawPostgres(await openStream(plain))
    const body = Buffer.concat([
      int32(0x0003_270f),
      cstring('user'),
      cstring('orders-db'),
      cstring('_pq_.foo'),
      cstring('1'),
      Buffer.of(0),
    ])
    client.send(int32(body.length + 4), body)
    const [first, second] = [...(await client.until(({ tag }) => tag === 'R'))]
    expect(first!.tag).toBe('v')
    expect(first!.body.readInt32BE(0)).toBe(0x0003_0002)
    expect(first!.body.toString('latin1')).toContain('_pq_.foo')
    expect(second!.tag).toBe('R')
  })

  test('statements that kill parsers are refused, again and again, and nobody notices', async () => {
    await using client = await RawPostgres.connect(endpoint)
    const deep = `select ${Array.from({ length: 12_000 }, () => '1').join('+')}`
    const nested = `select ${'('.repeat(2_000)}1${')'.repeat(2_000)}`
    for (let i = 0; i < 20; i++) {
      client.send(query(i % 2 === 0 ? deep : nested))
      expect(lastError(await client.untilReady())['C']).toBe('54001')
    }
    client.send(query('select 1'))
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'D', 'C', 'Z'])
    await bystanderIsWell()
  })
})
