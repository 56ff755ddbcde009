import { allRoutes, type Client, type DocumentInput } from '@sallyport/api'
import { generatePrivateKey, keyLine } from '@sallyport/openssh'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ToyClient } from './testing/toy-client.ts'
import { failure, password, setUp, startWorld, type World } from './testing/world.ts'

const resource = (name: string): DocumentInput => ({
  kind: 'Resource',
  name,
  protocol: 'toy',
  host: `${name}.internal`,
  agent: 'dc1',
  accounts: [
    { name: 'app', credential: { from: 'none' } },
    { name: 'admin', credential: { from: 'none' } },
  ],
})

const documents: DocumentInput[] = [
  resource('shop'),
  resource('hr'),
  {
    kind: 'Policy',
    name: 'p',
    text: `
      @id("everything") permit (principal in Group::"staff", action, resource)
      unless { context has account && context.account == "admin" };
      @id("admin") @request("dba") permit (principal in Group::"staff", action == Action::"connect", resource)
      when { context.account == "admin" };
      @id("reviewed") @review("dba") permit (principal in Group::"interns", action == Action::"update", resource);
      @id("interns") permit (principal in Group::"interns", action in [Action::"connect", Action::"read"], resource);`,
  },
]

/** A whole gateway, on a busy machine. */
const startMs = 60_000

interface Person {
  readonly token: string
  readonly api: Client
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** Whatever a call answers with: the code of what it is refused with, or `no error`. */
async function codeOf(answer: unknown): Promise<string> {
  const streams = typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer
  const whole = streams ? all(answer as AsyncIterable<unknown>) : (answer as Promise<unknown>)
  return (await failure(whole))?.code ?? 'no error'
}

describe('an agent’s token', () => {
  let world: World
  let root: Client
  let alice: Person
  let ian: Person
  beforeAll(async () => {
    world = await startWorld('drainMs: 200\n')
    root = await setUp(world)
    await root.apply.documents({ documents })
    alice = await person('alice', 'staff', 'administrators', 'dba')
    ian = await person('ian', 'interns')
  }, startMs)
  afterAll(() => world[Symbol.asyncDispose]())

  async function person(name: string, ...groups: string[]): Promise<Person> {
    const { setupLink } = await root.users.create({ name, groups })
    const { token } = await world
      .client()
      .setup.consume({ code: new URL(setupLink.url).hash.slice(1), password })
    return { token, api: world.client(token) }
  }

  type Asked = Parameters<Client['tokens']['delegate']>[0]
  const agent = async (of: Client, more: Partial<Asked> = {}): Promise<Person & { id: string }> => {
    const { token, id } = await of.tokens.delegate({ agent: 'claude', ...more })
    return { token, id, api: world.client(token) }
  }
  const dial = () => new ToyClient(world.portOf('toy'))
  const opened = async (token: string, to = 'shop'): Promise<ToyClient> => {
    const client = dial()
    expect(await client.logIn(token, to)).toBe('ok')
    return client
  }

  test('says for whom, through what and how narrowly it speaks, to whoever has it and to its person', async () => {
    const claude = await agent(alice.api, { restriction: { resources: ['shop'], actions: ['read'] } })
    const helper = await agent(claude.api, { agent: 'helper', ttlSeconds: 60 })
    expect(await helper.api.whoami.get()).toMatchObject({
      principal: { id: 'user:alice' },
      actor: { kind: 'agent', id: 'agent:helper', via: [{ id: 'agent:claude' }] },
      scope: [{ resources: ['shop'], actions: ['read'] }],
      mayAdminister: false,
    })
    const listed = (await alice.api.tokens.list()).items.find(({ id }) => id === helper.id)
    expect(listed).toMatchObject({
      user: 'alice',
      actor: { id: 'agent:helper', via: [{ id: 'agent:claude' }] },
      scope: [{ resources: ['shop'], actions: ['read'] }],
      parent: claude.id,
    })
    expect(Date.parse(listed?.expiresAt ?? '')).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  test('lets in where it is for, to what it is for, and nowhere else', async () => {
    const { token, api } = await agent(alice.api, { restriction: { resources: ['shop'], actions: ['read'] } })
    using client = await opened(token)
    expect(await client.ask('read the orders')).toBe('ok')
    expect(await client.ask('update the orders')).toBe('denied: the token is not for this: update')
    using elsewhere = dial()
    expect(await elsewhere.logIn(token, 'hr')).toMatch(/^no-such-access/)
    expect((await api.resources.list()).items.map(({ name }) => name)).toEqual(['shop'])
    expect(await codeOf(api.resources.get({ name: 'hr' }))).toBe('not-found')
  })

  test('ends, with what it opened and what was delegated by it, when its person revokes it', async () => {
    const claude = await agent(alice.api)
    const helper = await agent(claude.api, { agent: 'helper' })
    using client = await opened(helper.token)
    await alice.api.tokens.revoke({ id: claude.id })
    expect(await client.hear()).toMatch(/^access-revoked/)
    for (const { api } of [claude, helper]) expect(await codeOf(api.whoami.get())).toBe('unauthenticated')
  })

  test('ends when its person signs out', async () => {
    const { token } = await world.client().login.withPassword({ name: 'alice', password })
    const own = world.client(token)
    const claude = await agent(own)
    using client = await opened(claude.token)
    await own.whoami.logout()
    expect(await client.hear()).toMatch(/^access-revoked/)
    expect(await codeOf(claude.api.whoami.get())).toBe('unauthenticated')
  })

  test('is refused by every route that is not for what acts for somebody, an administrator’s too', async () => {
    const { api } = await agent(alice.api)
    const refused: string[] = []
    for (const { noun, verb, route } of allRoutes()) {
      if (route.auth === 'anyone' || route.forActors === true) continue
      const call = (api as unknown as Record<string, Record<string, (input: object) => unknown>>)[noun]?.[
        verb
      ]
      const code = await codeOf(call?.(route.example.input ?? {}))
      expect(`${noun}.${verb} ${code}`).toBe(`${noun}.${verb} forbidden`)
      refused.push(`${noun}.${verb}`)
    }
    for (const one of [
      'tokens.create',
      'keys.add',
      'keys.remove',
      'reviews.approve',
      'requests.approve',
      'requests.close',
      'sessions.watch',
      'apply.documents',
      'users.create',
      'audit.list',
      'access.report',
    ])
      expect(refused).toContain(one)
  })

  test('shows of sessions those alone that were opened by it', async () => {
    const [claude, other] = [await agent(alice.api), await agent(alice.api)]
    using _own = await opened(alice.token)
    using _other = await opened(other.token)
    using _its = await opened(claude.token)
    const of = (who: string) =>
      alice.api.sessions
        .list({ live: true })
        .then(({ items }) => items.filter(({ actor }) => actor.id === who))
    const [mine] = (await claude.api.sessions.list({ live: true })).items
    expect((await claude.api.sessions.list()).items).toHaveLength(1)
    expect(await claude.api.sessions.get({ id: mine?.id ?? '' })).toEqual(mine)
    expect(await all(claude.api.sessions.events({ id: mine?.id ?? '' }))).toMatchObject([
      { kind: 'opened', principal: { id: 'user:alice' }, actor: { id: 'agent:claude' } },
    ])
    const others = [...(await of('user:alice')), ...(await of('agent:claude'))].filter(
      ({ id }) => id !== mine?.id,
    )
    expect(others).toHaveLength(2)
    for (const { id } of others)
      for (const call of [
        () => claude.api.sessions.get({ id }),
        () => claude.api.sessions.events({ id }),
        () => claude.api.sessions.export({ id }),
        () => claude.api.sessions.asciicast({ id }),
        () => claude.api.sessions.verify({ id }),
        () => claude.api.sessions.kill({ id }),
      ])
        expect(await codeOf(call())).toBe('not-found')
    await claude.api.sessions.kill({ id: mine?.id ?? '' })
  })

  test('shows of tokens itself and what was delegated by it, and revokes no other', async () => {
    const claude = await agent(alice.api)
    const [helper, sibling] = [await agent(claude.api, { agent: 'helper' }), await agent(alice.api)]
    const ids = (await claude.api.tokens.list()).items.map(({ id }) => id)
    expect(ids.toSorted()).toEqual([claude.id, helper.id].toSorted())
    expect(await codeOf(claude.api.tokens.list({ all: true }))).toBe('forbidden')
    const own = (await alice.api.whoami.get()).token.id
    for (const id of [own, sibling.id])
      expect(await codeOf(claude.api.tokens.revoke({ id }))).toBe('not-found')
    expect(await codeOf(helper.api.tokens.revoke({ id: claude.id }))).toBe('not-found')
    await claude.api.tokens.revoke({ id: helper.id })
    await claude.api.tokens.revoke({ id: claude.id })
  })

  test('shows no review and no request but its own, though its person is to answer them', async () => {
    const claude = await agent(alice.api)
    using client = await opened(ian.token)
    client.say('update the orders')
    expect(await client.hear()).toMatch(/waiting/)
    const [review] = (await alice.api.reviews.list()).items
    expect(review).toMatchObject({ requester: { id: 'user:ian' }, mayAnswer: true })
    expect(await claude.api.reviews.list()).toEqual({ items: [] })
    expect(await codeOf(claude.api.reviews.get({ id: review?.id ?? '' }))).toBe('not-found')
    await alice.api.reviews.deny({ id: review?.id ?? '' })

    const { request } = await alice.api.requests.create({ resource: 'shop', account: 'admin', reason: 'x' })
    expect(await claude.api.requests.list()).toEqual({ items: [] })
    expect(await codeOf(claude.api.requests.get({ id: request.id }))).toBe('not-found')
    expect(await codeOf(claude.api.requests.withdraw({ id: request.id }))).toBe('not-found')
    const { request: its } = await claude.api.requests.create({
      resource: 'shop',
      account: 'admin',
      reason: 'x',
    })
    expect(its).toMatchObject({ requester: { id: 'user:alice' }, actor: { id: 'agent:claude' } })
    expect(await codeOf(alice.api.requests.approve({ id: its.id }))).toBe('forbidden')
    const elsewhere = await agent(alice.api, { restriction: { resources: ['hr'] } })
    expect(await elsewhere.api.requests.list()).toEqual({ items: [] })
    const silent = await agent(alice.api, { restriction: { asksNobody: true } })
    const asked = silent.api.requests.create({ resource: 'hr', account: 'admin', reason: 'x' })
    expect(await codeOf(asked)).toBe('not-found')
  })

  test('is asked of policy as what it is, and about nobody else', async () => {
    const { api } = await agent(alice.api, { restriction: { actions: ['read'] } })
    const can = (action: string, principal = 'alice') =>
      api.policies.can({ principal, action, resource: 'shop' })
    expect(await can('read')).toMatchObject({ answer: 'yes', actor: { id: 'agent:claude' } })
    expect(await can('update')).toMatchObject({ answer: 'no' })
    expect(await codeOf(can('read', 'ian'))).toBe('forbidden')
  })

  test.each([
    ['whose name is none', { agent: 'Claude!' }],
    ['for longer than 12 hours', { ttlSeconds: 43_201 }],
    ['for less than a minute', { ttlSeconds: 59 }],
    ['for an action that there is not', { restriction: { actions: ['reed'] } }],
    ['for nothing', { restriction: { resources: [] } }],
  ])('is not made %s', async (_, more) => {
    expect(await codeOf(alice.api.tokens.delegate({ agent: 'claude', ...more }))).toBe('invalid-request')
  })

  test('is not made for a resource that its person cannot reach, which is not told from one that is not there', async () => {
    for (const name of ['nowhere', 'hr']) {
      const narrow = await agent(alice.api, { restriction: { resources: ['shop'] } })
      const made = narrow.api.tokens.delegate({ agent: 'x', restriction: { resources: [name] } })
      expect(await codeOf(made)).toBe('not-found')
    }
  })

  test('may be an SSH certificate, which is that token and no more', async () => {
    const { api } = await agent(alice.api)
    const key = generatePrivateKey()
    const { certificate, expiresAt } = await api.keys.certify({ publicKey: keyLine(key.publicKey.blob, 'x') })
    expect(certificate).toMatch(/^ssh-ed25519-cert-v01@openssh.com /)
    expect(Date.parse(expiresAt)).toBeLessThanOrEqual(Date.now() + 1_800_000)
  })

  test('leaves both in the audit log', async () => {
    const claude = await agent(alice.api)
    const helper = await agent(claude.api, { agent: 'helper' })
    await agent(helper.api, { agent: 'third' })
    const { items } = await root.audit.list({ limit: 20 })
    expect(items.map(({ by }) => by)).toContain('agent:helper via agent:claude for user:alice')
    expect(JSON.stringify(items)).not.toContain('sp_')
  })
})
