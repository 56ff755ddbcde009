import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { startProcess, type RunningProcess } from '../world/process.ts'
import { bind, execute, parse, query, sync } from '../world/raw-messages.ts'
import { fieldsOf, RawPostgres, type RawFrame } from '../world/raw-postgres.ts'
import { soon } from '../world/soon.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

const may = {
  connect: '@id("connect") permit (principal in Group::"developers", action == Action::"connect", resource);',
  work: '@id("work") permit (principal in Group::"developers", action in [Action::"session", Action::"transaction"], resource);',
  write: '@id("write") permit (principal in Group::"developers", action == Action::"update", resource);',
  read: '@id("read") permit (principal in Group::"developers", action == Action::"read", resource);',
  unmask:
    '@id("mail") permit (principal in Group::"developers", action == Action::"unmask", resource == Tag::"pii.email");',
}
/** What was promised for a change to hold in sessions that live. */
const promisedMs = 5_000

describe.each([1, 2])('sessions that live, in a gateway whose traffic %d carry', (processes) => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    await server.query('create table people (id int, email text)', 'shop')
    await server.query(
      "insert into people select i, 'person' || i || '@clear.example' from generate_series(1, 9) i",
      'shop',
    )
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes })
    await declare()
    alice = await sallyport.person('alice', ['developers'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const declare = (labels: Record<string, string> = {}) =>
    declarePostgres(sallyport, server, {
      labels,
      masking: { columns: { 'public.people.email': 'pii.email' }, redactors: { 'pii.email': 'full' } },
    })
  const permit = (...what: (keyof typeof may)[]) =>
    sallyport.apply({ kind: 'Policy', name: 'developers', text: what.map((one) => `${may[one]}\n`).join('') })
  const all = () => permit('connect', 'work', 'write', 'read', 'unmask')
  const connect = () => RawPostgres.connect(sallyport.endpoint(alice, 'orders-db', 'shop'))

  /** psql at a prompt, after it has run `text`. */
  async function psqlAfter(text: string): Promise<RunningProcess> {
    const psql = await startProcess(clientPath('psql'), ['-X', '-qAt'], {
      environment: { ...process.env, ...environmentOf(sallyport.endpoint(alice, 'orders-db', 'shop')) },
    })
    psql.write(`${text}\n\\echo ready\n`)
    await psql.line(/^ready$/)
    return psql
  }

  const living = async () => (await sallyport.admin.client.sessions.list({ live: true, limit: 50 })).items

  async function ended(ids: readonly string[]): Promise<string[]> {
    const sessions = await soon(async () => {
      const found = await Promise.all(ids.map((id) => sallyport.admin.client.sessions.get({ id })))
      return found.some(({ live }) => live) ? undefined : found
    }, promisedMs)
    return sessions.map(({ reason }) => reason ?? 'none')
  }

  test.each([
    ['another policy', () => permit('work', 'read'), /you may not reach this resource any more/],
    [
      'another group',
      () => sallyport.admin.client.users.setGroups({ name: 'alice', groups: ['elsewhere'] }),
      /you may not reach this resource any more/,
    ],
    ['another label', () => declare({ env: 'prod' }), /the resource is not what it was/],
  ])('%s ends one that is idle and one in a transaction, with words', async (_, change, words) => {
    await all()
    await using idle = await psqlAfter('select 1;')
    await using busy = await psqlAfter("begin; update people set email = 'lost' where id = 1;")
    const ids = (await living()).map(({ id }) => id)
    expect(ids).toHaveLength(2)
    const began = performance.now()
    await change()
    expect(await ended(ids)).toEqual(['access-revoked', 'access-revoked'])
    expect(performance.now() - began).toBeLessThan(promisedMs)
    for (const psql of [idle, busy]) {
      psql.write('select 4711;\n')
      await psql.line(words)
      psql.endInput()
      await psql.exited
      expect(psql.output).toContain('FATAL:')
      expect(psql.output).not.toContain('4711')
    }
    // The transaction went with its session.
    const [row] = await server.query('select email from people where id = 1', 'shop')
    expect(row?.['email']).toBe('person1@clear.example')
    await sallyport.admin.client.users.setGroups({ name: 'alice', groups: ['developers'] })
    alice = await sallyport.signIn(alice)
    await all()
  })

  /** A prepared statement, an open portal that has given its first row, and a cursor that has given its first. */
  async function withOpenResults() {
    const client = await connect()
    client.send(
      query('begin'),
      query('declare c cursor for select email from people order by id'),
      query('fetch 1 from c'),
    )
    const cursor = await client.untilReady(3)
    client.send(
      parse('select email from people order by id', { name: 'known' }),
      bind([], { statement: 'known', portal: 'open' }),
      execute({ portal: 'open', maxRows: 1 }),
      sync(),
    )
    const portal = await client.untilReady()
    expect([...valuesOf(cursor), ...valuesOf(portal)]).toEqual([
      'person1@clear.example',
      'person1@clear.example',
    ])
    return client
  }

  const preparedStatement = [
    'a prepared statement',
    [bind([], { statement: 'known' }), execute(), sync()],
  ] as const
  const openCursor = ['an open cursor', [query('fetch 2 from c')]] as const
  const openPortal = ['an open portal', [execute({ portal: 'open', maxRows: 1 }), sync()]] as const

  test('an open portal gives its next rows where another policy decides the same of it', async () => {
    await all()
    await using client = await withOpenResults()
    await permit('connect', 'work', 'read', 'unmask')
    client.send(...openPortal[1])
    expect(valuesOf(await client.untilReady())).toEqual(['person2@clear.example'])
  })

  test('an open portal, whose columns were described in clear, is refused where they are masked by then', async () => {
    await all()
    await using client = await withOpenResults()
    await permit('connect', 'work', 'read')
    client.send(...openPortal[1])
    const frames = await client.untilReady()
    expect(codeOf(frames)).toBe('42501')
    expect(valuesOf(frames)).toEqual([])
  })

  test.each([preparedStatement, openCursor])(
    '%s shows what another policy masks no more, at its next use',
    async (_, use) => {
      await all()
      await using client = await withOpenResults()
      await permit('connect', 'work', 'read')
      client.send(...use)
      const frames = await client.untilReady()
      expect(codeOf(frames)).toBeUndefined()
      expect(valuesOf(frames).length).toBeGreaterThan(0)
      expect(Buffer.concat(frames.map(({ body }) => body)).includes('@clear.example')).toBe(false)
    },
  )

  test.each([preparedStatement, openPortal, openCursor])(
    '%s is refused at its next use where its rows may not be read any more',
    async (_, use) => {
      await all()
      await using client = await withOpenResults()
      await permit('connect', 'work', 'unmask')
      client.send(...use)
      const frames = await client.untilReady()
      expect(codeOf(frames)).toBe('42501')
      expect(valuesOf(frames)).toEqual([])
      client.send(query('rollback'), query('select 1 as one'))
      await client.untilReady(2)
    },
  )
})

/** The first column of each row. */
function valuesOf(frames: readonly RawFrame[]): string[] {
  return frames
    .filter(({ tag }) => tag === 'D')
    .map(({ body }) => body.subarray(6, 6 + body.readInt32BE(2)).toString())
}

function codeOf(frames: readonly RawFrame[]): string | undefined {
  const error = frames.find(({ tag }) => tag === 'E')
  return error && fieldsOf(error)['C']
}
