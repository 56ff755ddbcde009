import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf } from '../world/endpoint.ts'
import { clientPath } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { startProcess, type RunningProcess } from '../world/process.ts'
import { declarePostgres, startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'
import { soon } from '../world/soon.ts'
import { reviewHook, startReceiver, type Receiver } from '../world/webhook-receiver.ts'

const policy = `
@id("connect") permit (principal in Group::"developers", action in [Action::"connect", Action::"session", Action::"transaction"], resource);
@id("write") @review("dba") permit (principal in Group::"developers", action == Action::"delete", resource);
`

interface Told {
  readonly id: string
  readonly event: string
  readonly review: { readonly id: string; readonly state: string; readonly session: string }
}

describe('webhooks of a gateway of several processes', () => {
  let server: Postgres
  let sallyport: Sallyport
  let hook: Receiver
  let alice: Person
  let bob: Person

  beforeAll(async () => {
    hook = await startReceiver()
    server = await startPostgres({ databases: ['shop'] })
    await server.query('create table orders (id int)', 'shop')
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes: 2 })
    await declarePostgres(sallyport, server)
    await sallyport.apply(
      { kind: 'Policy', name: 'shop', text: policy },
      ...reviewHook(hook, 'a secret of the receiver and the gateway'),
    )
    alice = await sallyport.person('alice', ['developers'])
    bob = await sallyport.person('bob', ['dba'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
    await hook?.[Symbol.asyncDispose]()
  })

  const taken = (): Told[] =>
    hook.came.flatMap(({ body, answered }) => (answered === 200 ? [JSON.parse(body) as Told] : []))
  /** What was told, each as often as it was: `review-asked rev_1`. */
  const toldOf = (reviews: readonly { readonly id: string }[]): string[] =>
    taken()
      .filter(({ review }) => reviews.some(({ id }) => id === review.id))
      .map(({ event, review }) => `${event} ${review.id}`)
      .toSorted()
  const expected = (events: readonly string[], reviews: readonly { readonly id: string }[]): string[] =>
    events.flatMap((event) => reviews.map(({ id }) => `${event} ${id}`)).toSorted()
  const arrived = (count: number, reviews: readonly { readonly id: string }[]) =>
    soon(() => (toldOf(reviews).length >= count ? toldOf(reviews) : undefined), 30_000)
  const held = (): Promise<RunningProcess> =>
    startProcess(clientPath('psql'), ['-X', '-q', '-c', 'delete from orders where id = 1'], {
      environment: environmentOf(sallyport.endpoint(alice, 'orders-db', 'shop')),
    })
  const waiting = (count: number) =>
    soon(async () => {
      const { items } = await bob.client.reviews.list({ state: 'open' })
      return items.length === count ? items : undefined
    }, 60_000)
  const logged = (message: string): Record<string, unknown>[] =>
    sallyport.gateway.output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes(`"msg":"${message}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const processOf = (session: string) =>
    Number(logged('session-opened').findLast((line) => line['session'] === session)?.['process'])
  const pidOf = (process: number) =>
    Number(logged('a process of the gateway serves').findLast(({ number }) => number === process)?.['pid'])
  /** At once, so that they spread over the processes; the first attempts may come before an agent is in both. */
  const heldInBoth = async (): Promise<{
    clients: RunningProcess[]
    reviews: { id: string; session: string }[]
  }> =>
    soon(async () => {
      const clients = await Promise.all(Array.from({ length: 4 }, held))
      const reviews = await waiting(4)
      if (new Set(reviews.map(({ session }) => processOf(session))).size === 2) return { clients, reviews }
      for (const { id } of reviews) await bob.client.reviews.deny({ id })
      await Promise.all(clients.map(({ exited }) => exited))
      return undefined
    }, 60_000)

  test('are told once of what happens in either', async () => {
    const { clients, reviews } = await heldInBoth()
    for (const { id } of reviews) await bob.client.reviews.approve({ id })
    await Promise.all(clients.map(({ exited }) => exited))
    const events = ['review-asked', 'review-answered', 'review-ended']
    expect(await arrived(12, reviews)).toEqual(expected(events, reviews))
  })

  test('are told once of what ended because its process was killed', async () => {
    const { clients, reviews } = await heldInBoth()
    await arrived(4, reviews)
    const lost = reviews.filter(({ session }) => processOf(session) === 1)
    const stays = reviews.filter(({ session }) => processOf(session) === 2)
    process.kill(pidOf(1), 'SIGKILL')
    expect(await arrived(2 * lost.length, lost)).toEqual(expected(['review-asked', 'review-ended'], lost))
    expect(toldOf(stays)).toEqual(expected(['review-asked'], stays))
    for (const { id } of stays) await bob.client.reviews.deny({ id })
    await Promise.all(clients.map(({ exited }) => exited))
    const events = ['review-asked', 'review-answered', 'review-ended']
    expect(await arrived(3 * stays.length, stays)).toEqual(expected(events, stays))
  })

  test('are told of what was not taken before the whole gateway was killed, by the same id', async () => {
    hook.state.failing = 1_000
    const before = hook.came.length
    await using _client = await held()
    const [review] = await waiting(1)
    const first = await soon(() => hook.came[before])
    sallyport.gateway.signal('SIGKILL')
    await sallyport.gateway.exited
    hook.state.failing = 0
    await sallyport.startGateway()
    expect(await arrived(2, [review!])).toEqual(expected(['review-asked', 'review-ended'], [review!]))
    const again = taken().find(({ event, review: { id } }) => event === 'review-asked' && id === review!.id)
    expect(again?.id).toBe(first.headers['sallyport-delivery'])
  })

  test('got nothing twice', async () => {
    await soon(async () => {
      const [ops] = (await sallyport.admin.client.webhooks.list()).items
      return ops?.waiting === 0 ? true : undefined
    })
    const ids = taken().map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const told = taken().map(({ event, review }) => `${event} ${review.id}`)
    expect(new Set(told).size).toBe(told.length)
  })
})
