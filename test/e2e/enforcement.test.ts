import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { presets } from '@sallyport/policy'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { bind, describePortal, execute, flush, parse, query, sync } from '../world/raw-messages.ts'
import { fieldsOf, RawPostgres, wordsOf } from '../world/raw-postgres.ts'
import { loadSampleShop } from '../world/sample-shop/load.ts'
import { soon } from '../world/soon.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

const developers = `
@id("read")
permit (principal in Group::"developers", action in [Action::"connect", Action::"read", Action::"session", Action::"transaction"], resource);
@id("write-by-review") @review("dba") @within("15m")
permit (principal in Group::"developers", action in Action::"write", resource);
@id("short-review") @review("dba") @within("1s")
permit (principal in Group::"developers", action == Action::"ddl", resource);
@id("support-sees-mail")
permit (principal in Group::"support", action in [Action::"connect", Action::"read", Action::"session", Action::"unmask"], resource);
`

describe('policy, reviews and masks on a real server', () => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person
  let bob: Person
  let sue: Person

  beforeAll(async () => {
    server = await startPostgres({ databases: ['shop'] })
    await loadSampleShop(server.url({ database: 'shop' }))
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declarePostgres(sallyport, server, {
      masking: {
        columns: { 'public.customers.email': 'pii.email', 'public.customers.ssn': 'pii.ssn' },
        detectors: ['email', 'card', 'phone'],
      },
    })
    await sallyport.apply(
      { kind: 'Policy', name: 'developers', text: developers },
      ...presets
        .filter(({ name }) => ['no-unfiltered-writes', 'no-server-programs', 'no-unparsed'].includes(name))
        .map(({ name, text }) => ({ kind: 'Policy', name, text }) as const),
    )
    alice = await sallyport.person('alice', ['developers'])
    bob = await sallyport.person('bob', ['dba'])
    sue = await sallyport.person('sue', ['support'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const connect = (person: Person) => RawPostgres.connect(sallyport.endpoint(person, 'orders-db', 'shop'))
  const openReview = async () =>
    await soon(async () => (await bob.client.reviews.list({ state: 'open' })).items[0])
  const statusOf = async (id: number) =>
    (await server.query(`select status from orders where id = ${id}`, 'shop'))[0]?.['status']

  test('a refused statement inside a pipeline fails it as the server would, and the transaction with it', async () => {
    await using client = await connect(alice)
    client.send(query('begin'), query('truncate orders'), query('select 1'), query('rollback'))
    const frames = await client.untilReady(4)
    const said = frames.map((frame) =>
      frame.tag === 'Z' ? frame.body.toString() : frame.tag === 'E' ? fieldsOf(frame)['C'] : frame.tag,
    )
    expect(said).toEqual(['C', 'T', '42501', 'E', '25P02', 'E', 'C', 'I'])

    client.send(
      parse('select 1'),
      bind(),
      execute(),
      parse('delete from orders'),
      bind(),
      execute(),
      parse('select 2'),
      bind(),
      execute(),
      sync(),
    )
    const pipeline = await client.untilReady()
    expect(pipeline.map(({ tag }) => tag)).toEqual(['1', '2', 'D', 'C', '1', 'E', 'Z'])
    expect(wordsOf(pipeline.find(({ tag }) => tag === 'E')!)).toMatch(/^42501 sallyport: .*WHERE/)
    expect(Number((await server.query('select count(*) from orders', 'shop'))[0]?.['count'])).toBe(900)
  })

  test('one forbidden statement refuses the whole text, before any of it runs', async () => {
    await using client = await connect(alice)
    client.send(query("select 1; copy (select 1) to program 'true'; select 2"))
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['E', 'Z'])
  })

  test('a held operation runs once after approval, with the very parameters that were approved', async () => {
    await using client = await connect(alice)
    const update = parse('update orders set status = $1::order_status where id = $2::int')
    client.send(update, bind(['shipped', '11']), execute(), sync())
    const review = await openReview()
    expect(review).toMatchObject({ parameters: ['shipped', '11'], requester: { name: 'alice' } })
    expect(await statusOf(11)).not.toBe('shipped')

    await expect(alice.client.reviews.approve({ id: review.id })).rejects.toMatchObject({ status: 403 })
    await expect(sue.client.reviews.approve({ id: review.id })).rejects.toMatchObject({ status: 404 })
    await bob.client.reviews.approve({ id: review.id })
    expect((await client.untilReady()).filter(({ tag }) => tag !== 'N').map(({ tag }) => tag)).toEqual([
      '1',
      '2',
      'C',
      'Z',
    ])
    expect(await statusOf(11)).toBe('shipped')
    await expect(bob.client.reviews.approve({ id: review.id })).rejects.toMatchObject({ status: 409 })

    client.send(bind(['shipped', '12']), execute(), sync())
    const other = await openReview()
    expect(other.id).not.toBe(review.id)
    await bob.client.reviews.deny({ id: other.id, comment: 'wrong order' })
    const denied = await client.untilReady()
    expect(wordsOf(denied.find(({ tag }) => tag === 'E')!)).toMatch(/^42501 sallyport: .*/)
    expect(await statusOf(12)).not.toBe('shipped')
  })

  test('what is sent behind a held operation waits, and cannot change it', async () => {
    await using client = await connect(alice)
    client.send(
      parse('update orders set status = $1::order_status where id = 13', { name: 's' }),
      bind(['cancelled'], { statement: 's' }),
      execute(),
      sync(),
    )
    const review = await openReview()
    client.send(query('select 42'))
    await bob.client.reviews.approve({ id: review.id })
    const tags = (await client.untilReady(2)).filter(({ tag }) => tag !== 'N').map(({ tag }) => tag)
    expect(tags).toEqual(['1', '2', 'C', 'Z', 'T', 'D', 'C', 'Z'])
    expect(await statusOf(13)).toBe('cancelled')
  })

  test('a review ends by its time limit, by cancel, and by the client leaving', async () => {
    await using client = await connect(alice)
    client.send(query('create table t (a int)'))
    const expired = await client.untilReady()
    expect(wordsOf(expired.find(({ tag }) => tag === 'E')!)).toMatch(/^57014 sallyport: /)

    client.send(query('update orders set status = status where id = 1'))
    const cancelled = await openReview()
    const { trust: _trust, ...plain } = sallyport.endpoint(alice, 'orders-db', 'shop')
    const { openStream } = await import('../world/raw-postgres.ts')
    const { cancelRequest } = await import('../world/raw-messages.ts')
    const other = new RawPostgres(await openStream(plain))
    other.send(cancelRequest(client.cancelKey))
    const answer = await client.untilReady()
    expect(wordsOf(answer.find(({ tag }) => tag === 'E')!)).toMatch(/^57014 sallyport: /)
    await soon(async () =>
      (await bob.client.reviews.get({ id: cancelled.id })).state === 'withdrawn' ? true : undefined,
    )

    client.send(query('update orders set status = status where id = 2'))
    const left = await openReview()
    client.destroy()
    await soon(async () =>
      (await bob.client.reviews.get({ id: left.id })).state === 'withdrawn' ? true : undefined,
    )
  })

  test('masks hold in text and binary, through aliases, functions, subqueries, cursors, prepared statements and COPY', async () => {
    const people = await server.query('select email, ssn from customers', 'shop')
    const emails = people.flatMap((row) => Object.values(row).filter((value) => typeof value === 'string'))
    const raw = (bytes: string): string[] =>
      emails.filter((value) => bytes.toLowerCase().includes(value.toLowerCase()))
    await using client = await connect(alice)
    for (const statement of [
      'select email from customers order by id',
      'select email as id from customers',
      'select * from customers',
      'select c.email from (select * from customers) c',
      'with x as materialized (select email e from customers) select e from x',
      "select upper(email), concat(email), coalesce(email, '') from customers",
      'select (select email from customers where id = 1)',
      'select email from customers union all select name from customers',
      'begin; declare c cursor for select email from customers; fetch 10 from c; commit',
      'prepare p as select email from customers; execute p; deallocate p',
      'copy customers to stdout',
      'copy (select email, id from customers) to stdout (format csv, header)',
      'copy (select id, email from customers) to stdout (format binary)',
      'select email::text from customers',
      'select customers from customers',
      'select row_to_json(c) from customers c',
      'select array_agg(email) from customers',
      "select string_agg(email, ',') from customers",
      "select convert_to(email, 'UTF8') from customers",
    ]) {
      client.send(query(statement))
      const frames = await client.untilReady()
      const bytes = Buffer.concat(frames.map(({ body }) => body)).toString('latin1')
      expect({ statement, raw: raw(bytes) }).toEqual({ statement, raw: [] })
    }
    for (const results of [[0], [1]]) {
      client.send(
        parse('select id, email, created_at from customers order by id'),
        bind([], { results }),
        describePortal(),
        execute(),
        sync(),
      )
      const rows = (await client.untilReady()).filter(({ tag }) => tag === 'D')
      expect(rows).toHaveLength(400)
      expect(raw(rows.map(({ body }) => body.toString('latin1')).join())).toEqual([])
      // Without a Describe of its own, too.
      client.send(bind([], { results }), execute(), sync())
      expect(raw((await client.untilReady()).map(({ body }) => body.toString('latin1')).join())).toEqual([])
    }
  })

  test('detectors find what nobody tagged, and leave the rest alone', async () => {
    await using client = await connect(alice)
    const people = await server.query('select email, phone, card_number from customers', 'shop')
    const contacts = people.flatMap((row) => Object.values(row).filter((value) => typeof value === 'string'))
    const quoted = (text: string): string[] => contacts.filter((value) => text.includes(value))
    const direct = await server.query('select body from support_tickets order by id', 'shop')
    expect(quoted(direct.map(({ body }) => String(body)).join('\n')).length).toBeGreaterThan(10)

    client.send(query('select body from support_tickets order by id'))
    const masked = Buffer.concat((await client.untilReady()).map(({ body }) => body)).toString()
    expect(quoted(masked)).toEqual([])
    expect(masked).toContain('****')

    const products = 'select sku, name, price from products order by id'
    client.send(query(products))
    const same = Buffer.concat((await client.untilReady()).map(({ body }) => body)).toString()
    for (const { sku } of await server.query(products, 'shop')) expect(same).toContain(String(sku))
  })

  test('strict masking refuses to filter, sort or join by what is masked, and hides what errors would quote', async () => {
    await using client = await connect(alice)
    for (const statement of [
      "select id from customers where email like 'a%'",
      'select id from customers order by email',
      'select a.id from customers a join customers b on a.email = b.email',
      'select email::int from customers',
      "select case when email like 'a%' then 1 end from customers",
      "select set_config('application_name', email, false) from customers",
    ]) {
      client.send(query(statement))
      const error = (await client.untilReady()).find(({ tag }) => tag === 'E')
      expect({ statement, code: error && fieldsOf(error)['C'] }).toEqual({ statement, code: '42501' })
    }
    client.send(query("select 'not a number'::int"))
    const hidden = fieldsOf((await client.untilReady()).find(({ tag }) => tag === 'E')!)
    expect(hidden).toMatchObject({ C: '22P02' })
    expect(hidden['M']).not.toContain('not a number')
  })

  test('who may unmask sees it all, with drivers as they are', async () => {
    const { host, port, user, password, database, trust } = sallyport.endpoint(sue, 'orders-db', 'shop')
    const client = new pg.Client({
      host,
      port,
      user,
      password,
      database,
      ssl: { ca: await readFile(trust!, 'utf8') },
    })
    await client.connect()
    try {
      const through = await client.query('select * from customers where email like $1 order by id', ['a%'])
      const direct = await server.query("select * from customers where email like 'a%' order by id", 'shop')
      expect(JSON.stringify(through.rows)).toBe(JSON.stringify(direct))
    } finally {
      await client.end()
    }
  })

  test('Describe of a statement and a flushed pipeline work under masks', async () => {
    await using client = await connect(alice)
    client.send(
      parse('select email from customers where id = $1::int', { name: 'one' }),
      bind(['1'], { statement: 'one' }),
      execute(),
      flush(),
    )
    const frames = await client.until(({ tag }) => tag === 'C')
    expect(frames.map(({ tag }) => tag)).toEqual(['1', '2', 'D', 'C'])
    expect(frames[2]!.body.toString()).toContain('****@')
    client.send(sync())
    await client.untilReady()
  })

  test('what was done is in the recordings, which verify; what was not permitted says so', async () => {
    const { items } = await sallyport.admin.client.sessions.list({ user: 'alice', limit: 100 })
    const ended = items.filter(({ live }) => !live)
    expect(ended.length).toBeGreaterThan(5)
    const texts: string[] = []
    for (const { id } of ended) {
      expect(await sallyport.admin.client.sessions.verify({ id })).toMatchObject({ state: 'sound' })
      for await (const event of sallyport.admin.client.sessions.events({ id }))
        texts.push(JSON.stringify(event))
    }
    const all = texts.join('\n')
    expect(all).toContain('"effect":"deny"')
    expect(all).toContain('wrong order')
    expect(all).toContain('truncate orders')
    expect(all).not.toContain(server.password)
    expect(sallyport.gateway.output).not.toContain(server.password)
    expect(sallyport.gateway.output).not.toContain(alice.token)
  })
})
