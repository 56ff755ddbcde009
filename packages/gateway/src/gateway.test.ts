import { once } from 'node:events'
import { connect } from 'node:net'
import {
  allRoutes,
  apiPrefix,
  certificateByFingerprint,
  createClient,
  openApiDocument,
  type Client,
} from '@sallyport/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failure, password, setUp, startWorld, type World } from './testing/world.ts'

describe('a gateway', () => {
  let world: World
  let root: Client
  beforeAll(async () => {
    world = await startWorld()
    root = await setUp(world)
  })
  afterAll(() => world[Symbol.asyncDispose]())

  test('is told whom it serves by the set-up link, once', async () => {
    expect(world.gateway.setupUrl).toMatch(/^https:\/\/localhost:\d+\/setup#sps_/)
    const who = await root.whoami.get()
    expect(who).toMatchObject({
      principal: { id: 'user:root', groups: ['administrators'] },
      token: { label: 'set-up' },
      mayAdminister: true,
    })
    const code = new URL(world.gateway.setupUrl ?? '').hash.slice(1)
    expect(await failure(world.client().setup.look({ code }))).toMatchObject({
      status: 404,
      code: 'not-found',
    })
  })

  test('shows its set-up page and what it is, under a strict content policy', async () => {
    for (const path of ['/', '/setup', '/setup.js', '/page.css', '/icon.svg']) {
      const page = await world.ask(path)
      expect(page.status).toBe(200)
      expect(page.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'self'; script-src 'self';/,
      )
      expect(page.headers['x-content-type-options']).toBe('nosniff')
      expect(page.body).not.toMatch(/ on[a-z]+="|style="|<script>/)
    }
  })

  test('serves its description, and says how it is', async () => {
    const description = await world.ask(`${apiPrefix}/openapi.json`)
    expect(JSON.parse(description.body)).toEqual(JSON.parse(JSON.stringify(openApiDocument('v1'))))
    expect(await world.ask('/healthz')).toMatchObject({ status: 200, body: expect.stringContaining('ok') })
    expect(await world.ask('/readyz')).toMatchObject({ status: 200, body: expect.stringContaining('ready') })
    const metrics = await fetch(`http://127.0.0.1:${world.portOf('metrics')}/metrics`)
    expect(await metrics.text()).toMatch(
      /sallyport_api_requests_total\{route="setup.consume",status="201"\} 1/,
    )
  })

  test('answers every declared route, and asks for a token wherever the contract says so', async () => {
    for (const { route } of allRoutes()) {
      const path = apiPrefix + route.path.replaceAll(/\{\w+\}/g, 'x')
      const { status } = await world.ask(path, route.method, route.body === undefined ? undefined : '{}')
      const expected = route.auth === 'anyone' ? (route.body === undefined ? 200 : 400) : 401
      expect(`${route.method} ${path} ${status}`).toBe(`${route.method} ${path} ${expected}`)
    }
  })

  test.each([
    ['a wrong token', 'sp_0'],
    ['no token of any kind', 'x'.repeat(5000)],
  ])('refuses %s, and says what to do', async (_, token) => {
    expect(await failure(world.client(token).whoami.get())).toMatchObject({
      status: 401,
      code: 'unauthenticated',
      next: expect.stringContaining('sallyport login'),
    })
  })

  test.each([
    ['not JSON', 'POST', '/login', '{', 400],
    ['an unknown key', 'POST', '/login', '{"name":"a","password":"b","extra":1}', 400],
    ['nothing at all', 'GET', '/nothing', undefined, 404],
    ['a name longer than any', 'DELETE', `/users/${'a'.repeat(500)}`, undefined, 404],
    ['an address that is none', 'GET', '/users/%zz', undefined, 400],
  ])('answers %s with a problem', async (_, method, path, body, status) => {
    const answer = await world.ask(apiPrefix + path, method, body)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.body).toContain('"code":')
  })

  test('can be trusted by fingerprint alone, and only by the right one', async () => {
    const { baseUrl, authority } = world.gateway
    const client = createClient({ baseUrl, fingerprint: authority?.fingerprint ?? '' })
    expect(await client.gateway.version()).toMatchObject({ name: 'sallyport', api: 'v1' })
    expect(await certificateByFingerprint(baseUrl, authority?.fingerprint.toUpperCase() ?? '')).toBe(
      authority?.certificate.trim().concat('\n'),
    )
    expect(
      await failure(createClient({ baseUrl, fingerprint: `sha256:${'0'.repeat(64)}` }).gateway.version()),
    ).toMatchObject({
      code: 'bad-certificate',
    })
    expect(await failure(createClient({ baseUrl }).gateway.version())).toMatchObject({
      code: 'bad-certificate',
    })
  })

  test('invites users, signs them in, regroups and disables them', async () => {
    const { user, setupLink } = await root.users.create({ name: 'bob', groups: ['readers'] })
    expect(user).toMatchObject({ name: 'bob', state: 'invited', groups: ['readers'] })
    const code = new URL(setupLink.url).hash.slice(1)
    expect(await world.client().setup.look({ code })).toMatchObject({ user: 'bob' })
    expect(await failure(world.client().setup.consume({ code, name: 'eve', password }))).toMatchObject({
      status: 400,
    })
    await world.client().setup.consume({ code, password })

    expect(
      await failure(world.client().login.withPassword({ name: 'bob', password: 'wrong wrong wrong' })),
    ).toMatchObject({
      status: 401,
      detail: 'the name or the password is wrong',
    })
    const { token } = await world.client().login.withPassword({ name: 'bob', password, ttlSeconds: 600 })
    const bob = world.client(token)
    expect(await bob.whoami.get()).toMatchObject({ principal: { groups: ['readers'] }, mayAdminister: false })
    expect(await failure(bob.users.list())).toMatchObject({ status: 403, code: 'forbidden' })
    expect(await failure(bob.tokens.list({ all: true }))).toMatchObject({ status: 403 })
    await root.users.setGroups({ name: 'bob', groups: ['writers'] })
    expect(await bob.whoami.get()).toMatchObject({ principal: { groups: ['writers'] } })

    await root.users.disable({ name: 'bob' })
    expect(await failure(bob.whoami.get())).toMatchObject({ status: 401 })
    expect(await failure(root.users.disable({ name: 'root' }))).toMatchObject({ code: 'would-lock-out' })
    expect(await failure(root.users.setGroups({ name: 'root', groups: [] }))).toMatchObject({
      code: 'would-lock-out',
    })
  })

  test('mints tokens that never outlive the one that asked, and revokes them at once', async () => {
    const minted = await root.tokens.create({ label: 'psql', ttlSeconds: 3600 })
    const { token: mine } = await root.whoami.get()
    expect(Date.parse(minted.expiresAt)).toBeLessThanOrEqual(Date.parse(mine.expiresAt))
    const other = world.client(minted.token)
    expect(await other.whoami.get()).toMatchObject({ token: { id: minted.id } })
    expect((await root.tokens.list()).items.map(({ id }) => id)).toContain(minted.id)
    await root.tokens.revoke({ id: minted.id })
    expect(await failure(other.whoami.get())).toMatchObject({ status: 401 })
    expect(await failure(root.tokens.revoke({ id: minted.id }))).toMatchObject({ status: 404 })
    expect(await failure(root.tokens.create({ label: 'too long', ttlSeconds: 7200 }))).toMatchObject({
      status: 400,
    })
  })

  test('applies resources and policies, and shows each person what they may reach', async () => {
    const documents = [
      {
        kind: 'Resource' as const,
        name: 'shop',
        protocol: 'toy',
        host: 'shop.internal',
        agent: 'dc1',
        accounts: [{ name: 'app', credential: { from: 'none' as const } }],
      },
      {
        kind: 'Policy' as const,
        name: 'readers',
        text: '@id("readers") permit (principal in Group::"readers", action == Action::"connect", resource);',
      },
    ]
    expect(await root.apply.documents({ documents, dryRun: true })).toMatchObject({ applied: false })
    expect(await root.apply.documents({ documents })).toMatchObject({ applied: true, policyVersion: '1' })
    expect(await root.policies.current()).toMatchObject({
      version: '1',
      by: 'user:root',
      policies: [{ name: 'readers' }],
    })
    expect(await root.resources.list()).toEqual({ items: [] })
    expect((await root.resources.list({ all: true })).items).toMatchObject([{ name: 'shop', accounts: [] }])

    const { setupLink } = await root.users.create({ name: 'carol', groups: ['readers'] })
    const { token } = await world
      .client()
      .setup.consume({ code: new URL(setupLink.url).hash.slice(1), password })
    const carol = world.client(token)
    const { items } = await carol.resources.list()
    expect(items).toMatchObject([
      {
        name: 'shop',
        endpoint: { host: 'localhost', port: world.portOf('toy') },
        agents: 0,
        accounts: [
          {
            name: 'app',
            hints: [{ client: 'toy', environment: { TOY_TOKEN: '<token>', TOY_CA: '<ca-file>' } }],
          },
        ],
      },
    ])
    expect(await failure(carol.resources.get({ name: 'other' }))).toMatchObject({ status: 404 })
    expect(await failure(carol.apply.documents({ documents }))).toMatchObject({ status: 403 })
  })

  test('checks and tests policies without changing any', async () => {
    const broken = { name: 'broken', text: 'permit (principal, action == Action::"fly", resource);' }
    const { problems } = await root.policies.check({ policies: [broken] })
    expect(problems).toContainEqual(expect.objectContaining({ file: 'broken', line: 1, severity: 'error' }))
    const before = (await root.policies.current()).version
    expect(await failure(root.policies.test({ policies: [broken], cases: [] }))).toMatchObject({
      code: 'invalid-policy',
    })
    expect((await root.policies.current()).version).toBe(before)
  })

  test('makes join tokens, and forgets them when told', async () => {
    const made = await root.joinTokens.create({ pool: 'dc1' })
    expect(made).toMatchObject({ pool: 'dc1', usesLeft: 1, gateway: `localhost:${world.portOf('agents')}` })
    expect(made.token).toMatch(/^spj_/)
    expect((await root.joinTokens.list()).items.map(({ id }) => id)).toEqual([made.id])
    await root.joinTokens.revoke({ id: made.id })
    expect((await root.joinTokens.list()).items).toEqual([])
    expect((await root.agents.list()).items).toEqual([])
  })

  test('says what is wrong with the set-up', async () => {
    const { healthy, checks } = await root.gateway.doctor()
    const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]))
    expect(states).toMatchObject({
      store: 'good',
      recorder: 'good',
      certificate: 'good',
      'agents of dc1': 'bad',
    })
    expect(states['target of shop']).toBe('bad')
    expect(healthy).toBe(false)
    expect(await root.gateway.status()).toMatchObject({
      state: 'serving',
      liveSessions: 0,
      agentsAttached: 0,
    })
  })

  test('has no sessions and reviews yet, and knows none of others', async () => {
    expect(await root.sessions.list()).toEqual({ items: [] })
    expect(await root.reviews.list()).toEqual({ items: [] })
    expect(await failure(root.sessions.get({ id: 'ses_1' }))).toMatchObject({ status: 404 })
    expect(await failure(root.reviews.approve({ id: 'rev_1' }))).toMatchObject({ status: 404 })
    const events = root.sessions.events({ id: 'ses_1' })
    expect(await failure(events[Symbol.asyncIterator]().next())).toMatchObject({ status: 404 })
  })

  test('writes down who changed what', async () => {
    const { items } = await root.audit.list({ limit: 500 })
    expect(items.some(({ by, why }) => by === 'user:root' && why === 'apply')).toBe(true)
  })

  test('serves its protocols’ ports', async () => {
    const client = connect(world.portOf('toy'), '127.0.0.1').setEncoding('utf8')
    const [greeting] = (await once(client, 'data')) as [string]
    expect(greeting).toBe('toy\n')
  })

  test('never logs a token, a password or a set-up code', async () => {
    const { token } = await world.client().login.withPassword({ name: 'root', password })
    await world.client(token).whoami.logout()
    expect(await failure(world.client(token).whoami.get())).toMatchObject({ status: 401 })
    expect(world.log.text).toContain('signed in')
    for (const secret of [token, password, 'sps_', 'sp_']) expect(world.log.text).not.toContain(secret)
  })
})
