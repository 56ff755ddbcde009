import { generateKeyPairSync, createPublicKey } from 'node:crypto'
import type { Client, DocumentInput } from '@sallyport/api'
import { Fault } from '@sallyport/core'
import { verifyRecording } from '@sallyport/recording'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ToyClient } from './testing/toy-client.ts'
import { password, setUp, startWorld, type World } from './testing/world.ts'

const documents: DocumentInput[] = [
  {
    kind: 'Resource',
    name: 'shop',
    protocol: 'toy',
    host: 'shop.internal',
    agent: 'dc1',
    accounts: [{ name: 'app', credential: { from: 'none' } }],
  },
  {
    kind: 'Policy',
    name: 'shop',
    text: `
      @id("staff") permit (principal in Group::"staff", action in [Action::"connect", Action::"read"], resource);
      @id("changes") @review("dba") @reason("changes are reviewed")
      permit (principal in Group::"staff", action == Action::"update", resource);
      @id("auditors") permit (principal in Group::"auditors", action == Action::"replay", resource);
    `,
  },
]

interface Person {
  readonly token: string
  readonly api: Client
}

async function person(world: World, root: Client, name: string, ...groups: string[]): Promise<Person> {
  const { setupLink } = await root.users.create({ name, groups })
  const code = new URL(setupLink.url).hash.slice(1)
  const { token } = await world.client().setup.consume({ code, password })
  return { token, api: world.client(token) }
}

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: { code: string }) => error.code,
  )

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('a session', () => {
  let world: World
  let root: Client
  let alice: Person
  let bob: Person
  let eve: Person
  let auditor: Person
  beforeAll(async () => {
    world = await startWorld('drainMs: 200\n')
    root = await setUp(world)
    await root.apply.documents({ documents })
    alice = await person(world, root, 'alice', 'staff')
    bob = await person(world, root, 'bob', 'staff', 'dba')
    eve = await person(world, root, 'eve')
    auditor = await person(world, root, 'audrey', 'auditors')
  }, 60_000)
  afterAll(() => world[Symbol.asyncDispose]())

  const dial = () => new ToyClient(world.portOf('toy'))

  async function ended(id: string): Promise<void> {
    while ((await root.sessions.get({ id })).live) await new Promise(setImmediate)
  }

  async function liveSession(): Promise<{ client: ToyClient; id: string }> {
    const client = dial()
    expect(await client.logIn(alice.token, 'shop')).toBe('ok')
    const id = (await alice.api.sessions.list({ live: true })).items[0]?.id ?? ''
    return { client, id }
  }

  test('is refused alike for a resource that is not there and one that may not be reached', async () => {
    using first = dial()
    using second = dial()
    using third = dial()
    const answer = await first.logIn(eve.token, 'shop')
    expect(answer).toMatch(/^no-such-access: /)
    expect(await second.logIn(eve.token, 'nowhere')).toBe(answer)
    expect(await third.logIn('sp_wrong', 'shop')).toMatch(/^invalid-credential: /)
  })

  test('is listed, recorded, replayed and verified', async () => {
    const { client, id } = await liveSession()
    expect(await client.ask('read the orders')).toBe('ok')
    client[Symbol.dispose]()
    await ended(id)

    expect(await alice.api.sessions.get({ id })).toMatchObject({
      principal: { id: 'user:alice' },
      resource: 'shop',
      live: false,
      operations: 1,
    })
    const events = await all(alice.api.sessions.events({ id }))
    expect(events.map(({ kind }) => kind)).toEqual(['opened', 'operation', 'result', 'closed'])
    expect(events[1]).toMatchObject({
      text: 'read the orders',
      parameters: ['base64:AQ==', null],
      effect: 'allow',
    })
    expect(await alice.api.sessions.verify({ id })).toMatchObject({ state: 'sound', events: 4 })

    const file = Buffer.concat(await all(alice.api.sessions.export({ id })))
    const { publicKey } = await world.client().gateway.signingKey()
    expect(verifyRecording(file, createPublicKey(publicKey)).state).toBe('sound')
    expect(verifyRecording(file, generateKeyPairSync('ed25519').publicKey).state).toBe('broken')
  })

  test('is shown to its own subject, to whom policy lets replay, and to nobody else', async () => {
    const { items } = await alice.api.sessions.list()
    const id = items[0]?.id ?? ''
    expect(items).not.toHaveLength(0)
    for (const stranger of [bob, eve]) {
      expect(await stranger.api.sessions.list()).toEqual({ items: [] })
      expect(await stranger.api.sessions.list({ user: 'alice' })).toEqual({ items: [] })
      expect(await code(stranger.api.sessions.get({ id }))).toBe('not-found')
      expect(await code(all(stranger.api.sessions.events({ id })))).toBe('not-found')
      expect(await code(stranger.api.sessions.kill({ id }))).toBe('not-found')
    }
    expect((await auditor.api.sessions.list({ resource: 'shop', user: 'alice' })).items).toEqual(items)
    expect(await all(auditor.api.sessions.events({ id }))).not.toHaveLength(0)
    expect((await root.sessions.list({ limit: 500 })).items).toEqual(items)
    const looked = (await root.audit.list({ limit: 500 })).items.filter(({ by }) => by === 'user:audrey')
    expect(looked.flatMap(({ changes }) => changes)).toContain(`session ${id} replayed`)
  })

  test('is killed at once, by its own subject or an administrator, and says by whom', async () => {
    const { client, id } = await liveSession()
    await root.sessions.kill({ id, reason: 'runaway' })
    expect(await code(alice.api.sessions.kill({ id }))).toBe('conflict') // also while it ends
    expect(await client.hear()).toBe('session-killed: ended by root: runaway')
    await ended(id)
    expect(await root.sessions.get({ id })).toMatchObject({ live: false, reason: 'session-killed' })
    expect(await code(alice.api.sessions.kill({ id }))).toBe('conflict')

    const second = await liveSession()
    await alice.api.sessions.kill({ id: second.id })
    expect(await second.client.hear()).toMatch(/^session-killed/)
  })

  test('ends when its token is revoked', async () => {
    const { token, id } = await alice.api.tokens.create({ label: 'for this one' })
    using client = dial()
    expect(await client.logIn(token, 'shop')).toBe('ok')
    await alice.api.tokens.revoke({ id })
    expect(await client.hear()).toMatch(/^access-revoked/)
  })

  test('ends when the policy no longer lets it be', async () => {
    const { client } = await liveSession()
    const closed = [
      {
        kind: 'Policy' as const,
        name: 'shop',
        text: '@id("none") forbid (principal, action == Action::"connect", resource);',
      },
    ]
    await root.apply.documents({ documents: closed })
    expect(await client.hear()).toMatch(/^access-revoked/)
    await root.apply.documents({ documents })
  })

  test('holds what needs a review, until another answers', async () => {
    const { client } = await liveSession()
    client.say('update the orders')
    expect(await client.hear()).toMatch(/review/)
    const { items } = await bob.api.reviews.list()
    expect(items).toMatchObject([
      {
        state: 'open',
        requester: { id: 'user:alice' },
        text: 'update the orders',
        parameters: ['base64:AQ==', null],
        reason: 'changes are reviewed',
        reviewers: ['dba'],
        mayAnswer: true,
      },
    ])
    const id = items[0]?.id ?? ''
    expect(await alice.api.reviews.get({ id })).toMatchObject({ mayAnswer: false })
    expect(await code(alice.api.reviews.approve({ id }))).toBe('forbidden')
    expect(await code(eve.api.reviews.get({ id }))).toBe('not-found')
    expect(await code(eve.api.reviews.approve({ id }))).toBe('not-found')
    expect(await code(root.reviews.approve({ id }))).toBe('forbidden')

    expect(await bob.api.reviews.approve({ id, comment: 'fine' })).toMatchObject({
      state: 'approved',
      answers: [{ by: { id: 'user:bob' }, verdict: 'approve', comment: 'fine' }],
    })
    expect(await client.hear()).toBe('ok')
    expect(await code(bob.api.reviews.deny({ id }))).toBe('conflict')

    client.say('update them again')
    await client.hear()
    const [second] = (await bob.api.reviews.list()).items
    await bob.api.reviews.deny({ id: second?.id ?? '', comment: 'no' })
    expect(await client.hear()).toMatch(/^review-denied/)
    client[Symbol.dispose]()
  })

  test('is found by what was run in it, by whoever may see its recording', async () => {
    const { client, id } = await liveSession()
    expect(await client.ask('read the Ledger of May')).toBe('ok')
    expect(await client.ask('delete the ledger')).toMatch(/^denied/)
    const found = await alice.api.sessions.list({ ran: 'the ledger' })
    expect(found.items).toMatchObject([
      { id, ran: [{ operation: 1, text: 'read the Ledger of May', by: 'operation' }] },
    ])
    expect(found.search?.before).toBeUndefined()
    expect((await alice.api.sessions.list({ ran: 'delete' })).items).toEqual([])
    const ids = async (who: Client, ran: string) =>
      (await who.sessions.list({ ran, resource: 'shop' })).items.map((it) => it.id)
    expect(await ids(auditor.api, 'ledger of')).toEqual([id])
    expect(await ids(bob.api, 'ledger')).toEqual([])
    expect(await code(alice.api.sessions.list({ ran: 'l' }))).toBe('invalid-request')
    const { items } = await root.audit.list({ limit: 500 })
    expect(items.find(({ by }) => by === 'user:audrey')?.changes).toEqual([
      expect.stringMatching(/^\d+ sessions searched for what was run in them$/),
    ])
    expect(JSON.stringify(items)).not.toContain('ledger of')
    client[Symbol.dispose]()
    await ended(id)
    expect(await ids(alice.api, 'Ledger')).toEqual([id])
  })

  test('is counted', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${world.portOf('metrics')}/metrics`)).text()
    for (const line of [
      /^sallyport_operations_total\{resource="shop",effect="allow"\} [1-9]/m,
      /^sallyport_operations_total\{resource="shop",effect="review"\} [1-9]/m,
      /^sallyport_masked_values_total\{resource="shop"\} [1-9]/m,
      /^sallyport_refusals_total\{code="no-such-access"\} 2$/m,
      /^sallyport_log_ins_total\{outcome="no-such-access"\} 2$/m,
      /^sallyport_log_ins_total\{outcome="let-in"\} [1-9]/m,
      /^sallyport_sessions_opened_total\{resource="shop"\} [1-9]/m,
      /^sallyport_sessions_ended_total\{reason="session-killed"\} 2$/m,
      /^sallyport_reviews_waiting 0$/m,
      /^sallyport_client_bytes_total\{protocol="toy",direction="up"\} [1-9]/m,
      /^sallyport_client_bytes_total\{protocol="toy",direction="down"\} [1-9]/m,
      /^sallyport_cache_lookups_total\{cache="decisions",result="hit"\} [1-9]/m,
      /^sallyport_cache_lookups_total\{cache="decisions",result="miss"\} [1-9]/m,
      /^sallyport_recorder_write_delay_seconds_count [1-9]/m,
      /^sallyport_recorder_sync_delay_seconds_count [1-9]/m,
      /^sallyport_recorder_bytes_total [1-9]/m,
      /^sallyport_store_write_seconds_count [1-9]/m,
      /^sallyport_certificate_not_after_timestamp_seconds\{certificate="server"\} 1[0-9]{9}$/m,
      /^sallyport_hold_seconds_count\{state="denied"\} 1$/m,
    ])
      expect(metrics).toMatch(line)
  })

  test('may go on while the gateway drains, but not for ever; no other begins', async () => {
    const { client } = await liveSession()
    const drained = world.gateway.drain(new Fault('gateway/draining', 'bye'))
    expect(await world.ask('/readyz')).toMatchObject({ status: 503, body: 'draining\n' })
    expect(await client.ask('read on')).toBe('ok')
    expect(await client.hear()).toBe('gateway/draining: bye')
    await drained
    using late = dial()
    await expect(late.hear()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
