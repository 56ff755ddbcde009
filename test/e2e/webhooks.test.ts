import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHmac } from 'node:crypto'
import { environmentOf, urlOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { startProcess, type RunningProcess } from '../world/process.ts'
import { soon } from '../world/soon.ts'
import { reviewHook, startReceiver, type Receiver } from '../world/webhook-receiver.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

const policy = `
@id("connect") permit (principal in Group::"developers", action == Action::"connect", resource);
@id("read") permit (principal in Group::"developers", action in [Action::"read", Action::"session", Action::"transaction"], resource);
@id("write") @review("dba") @within("10m") permit (principal in Group::"developers", action in [Action::"insert", Action::"update", Action::"delete", Action::"call"], resource);
`
const secret = 'a secret of the receiver and the gateway'

const notPlain = 'only a single plain SELECT, INSERT, UPDATE, DELETE or MERGE is estimated'

describe('webhooks, and what reviewers are told, with psql', () => {
  let server: Postgres
  let sallyport: Sallyport
  let hook: Receiver
  let alice: Person
  let bob: Person

  beforeAll(async () => {
    hook = await startReceiver(2)
    server = await startPostgres({ databases: ['shop'] })
    await server.query(
      `create table orders (id int primary key, status text);
       insert into orders select n, 'new' from generate_series(1, 5000) n;
       analyze orders;
       create function shout(text) returns text language plpgsql immutable as $$ begin return upper($1); end $$`,
      'shop',
    )
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declarePostgres(sallyport, server)
    await sallyport.apply({ kind: 'Policy', name: 'shop', text: policy }, ...reviewHook(hook, secret))
    alice = await sallyport.person('alice', ['developers'])
    bob = await sallyport.person('bob', ['dba'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await hook?.[Symbol.asyncDispose]()
  })

  const psql = (...args: readonly string[]): Promise<RunningProcess> =>
    startProcess(clientPath('psql'), ['-X', '-q', ...args], {
      environment: environmentOf(sallyport.endpoint(alice, 'orders-db', 'shop')),
    })
  /** The review that a client waits for. */
  const waiting = () => soon(async () => (await bob.client.reviews.list({ state: 'open' })).items[0], 60_000)
  const radius = async (...args: readonly string[]) => {
    await using client = await psql(...args)
    const review = await waiting()
    await bob.client.reviews.deny({ id: review.id })
    await client.exited
    return review.blastRadius
  }

  test('a receiver that fails first is told in the end, signed, once it works, and once only', async () => {
    await using client = await psql('-c', "update orders set status = 'x' where id <= 100")
    const review = await waiting()
    const [at503, again, taken] = await soon(
      () => (hook.came.length >= 3 ? [...hook.came] : undefined),
      60_000,
    )
    expect([at503, again, taken].map((one) => one?.answered)).toEqual([503, 503, 200])
    expect(new Set([at503, again, taken].map((one) => one?.headers['sallyport-delivery'])).size).toBe(1)
    const { headers, body } = taken!
    const timestamp = headers['sallyport-timestamp'] as string
    const hmac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
    expect(headers['sallyport-signature']).toBe(`v1=${hmac}`)
    expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(60)
    expect(JSON.parse(body)).toMatchObject({
      event: 'review-asked',
      review: { id: review.id, requester: { name: 'alice' }, blastRadius: { kind: 'rows' } },
      command: `sallyport reviews show ${review.id}`,
    })
    await bob.client.reviews.approve({ id: review.id, comment: 'fine' })
    await client.exited
    const events = await soon(() =>
      hook.came.length >= 5 ? hook.came.map((one) => one.headers['sallyport-event']) : undefined,
    )
    expect(events.slice(3)).toEqual(['review-answered', 'review-ended'])
    expect((await sallyport.admin.client.webhooks.list()).items).toMatchObject([
      { name: 'ops', to: new URL(hook.url).origin, isSigned: true, waiting: 0, dead: 0 },
    ])
    expect(await sallyport.admin.client.webhooks.test({ name: 'ops' })).toEqual({ arrived: true })
    await expect(alice.client.webhooks.list()).rejects.toMatchObject({ status: 403 })
  })

  test('reviewers see about how many rows a statement touches, also with parameters, and nothing has run', async () => {
    expect(await radius('-c', 'delete from orders')).toEqual({ rows: 5000 })
    expect(await radius('-c', 'delete from orders where id = 7')).toEqual({ rows: 1 })
    const client = new pg.Client({
      connectionString: urlOf(sallyport.endpoint(alice, 'orders-db', 'shop')),
    })
    await client.connect()
    const refused = client.query('update orders set status = $1 where id <= $2', ['x', 100]).catch(String)
    const review = await waiting()
    const few = review.blastRadius
    expect(few !== undefined && 'rows' in few && Math.abs(few.rows - 100)).toBeLessThan(50)
    await bob.client.reviews.deny({ id: review.id })
    expect(await refused).toContain('denied by bob')
    await client.end()
    expect(await radius('-c', "insert into orders values (6001, 'a'), (6002, 'b')")).toEqual({ rows: 2 })
    expect(await server.query("select count(*)::int as n from orders where status = 'new'", 'shop')).toEqual([
      { n: 4900 },
    ])
  })

  test('what is not planned says why, and is reviewed all the same', async () => {
    expect(await radius('-c', "update orders set status = shout('x')")).toEqual({ unknown: notPlain })
    expect(await radius('-c', 'delete from orders; delete from orders')).toEqual({ unknown: notPlain })
    const locking = new pg.Client({ connectionString: server.url({ database: 'shop' }) })
    await locking.connect()
    await locking.query('begin; lock table orders in access exclusive mode')
    expect(await radius('-c', 'delete from orders')).toEqual({
      unknown: 'the server did not plan it on a connection of its own (55P03)',
    })
    await locking.end()
  })

  test('an operation is closed where its client has gone, and where its gateway was killed', async () => {
    const gone = await psql('-c', 'delete from orders where id = 1')
    const first = await waiting()
    gone.signal('SIGKILL')
    await soon(async () =>
      (await bob.client.reviews.get({ id: first.id })).state === 'withdrawn' ? true : undefined,
    )
    await using _held = await psql('-c', 'delete from orders where id = 2')
    const second = await waiting()
    sallyport.gateway.signal('SIGKILL')
    await sallyport.gateway.exited
    await sallyport.startGateway()
    expect((await bob.client.reviews.get({ id: second.id })).state).toBe('withdrawn')
    const ended = await soon(() =>
      hook.came.find(({ body }) => body.includes(second.id) && body.includes('"withdrawn"')),
    )
    expect(ended.headers['sallyport-event']).toBe('review-ended')
  })
})
