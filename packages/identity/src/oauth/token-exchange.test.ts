import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, Secret, type Issuer, type Refusal, type Restriction, type Subject } from '@sallyport/core'
import { invalidCredential, type Authenticated } from '../authenticator.ts'
import { Authenticators } from '../authenticators.ts'
import { Delegations } from '../delegations.ts'
import { Federation, type RefusedToken } from '../federation/federation.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import { ci, TestIssuer } from '../testing/issuer.ts'
import type { MintedToken } from '../tokens.ts'
import { TokenExchange, type Exchanged } from './token-exchange.ts'

describe('a token that is exchanged for one of ours', () => {
  let it: Fixture
  let issuer: TestIssuer
  let federation: Federation
  let people: Authenticators
  let exchange: TokenExchange
  let refused: RefusedToken[]
  beforeEach(async () => {
    it = await identityFixture()
    issuer = await TestIssuer.start(it.clock)
    refused = []
    federation = new Federation({
      ...it,
      publishedAt: issuer.publishedAt,
      onRefused: (one) => void refused.push(one),
    })
    people = new Authenticators({ ...it, federation })
    exchange = new TokenExchange({ ...it, authenticators: people })
    await it.create('alice', ['dba'])
    await declare(ci)
  })
  afterEach(async () => {
    federation[Symbol.dispose]()
    await it[Symbol.asyncDispose]()
  })

  const declare = (declared: Issuer): Promise<void> =>
    it.store.write('system', 'apply', (tx) => tx.issuers.put(declared))
  const ask = (
    subject: string | Secret,
    more: { readonly actor?: string | Secret; readonly restriction?: Restriction } = {},
  ): Promise<Exchanged | Refusal> =>
    exchange.exchange({
      subjectToken: new Secret(String(typeof subject === 'string' ? subject : subject.reveal())),
      actorToken:
        more.actor === undefined
          ? undefined
          : new Secret(typeof more.actor === 'string' ? more.actor : more.actor.reveal()),
      restriction: more.restriction ?? {},
      address: '10.0.0.9:1',
    })
  const exchanged = async (...args: Parameters<typeof ask>): Promise<Exchanged> => {
    const got = await ask(...args)
    if (isRefusal(got)) throw new Error(`${got.reason}; ${refused.at(-1)?.why}`)
    return got
  }
  const whoHas = async ({ token }: MintedToken): Promise<Authenticated> => {
    const who = await people.authenticate(token)
    if (isRefusal(who)) throw new Error(who.reason)
    return who
  }
  const isGood = async ({ token }: MintedToken): Promise<boolean> =>
    !isRefusal(await people.authenticate(token))

  test('is about the same workload, and ends with the one that was shown', async () => {
    const got = await exchanged(await issuer.token())
    expect(got.token.reveal()).toMatch(/^sp_/)
    expect(got.expiresAtMs).toBe(it.clock.now() + 300_000)
    expect((await whoHas(got)).subject.principal).toMatchObject({
      id: 'workload:ci-shop',
      groups: ['deployers'],
    })
    it.clock.advance(300_000)
    expect(await isGood(got)).toBe(false)
  })

  test('lives an hour at most', async () => {
    await declare({ ...ci, maxLifetimeSeconds: 43_200 })
    const exp = it.clock.now() / 1000 + 40_000
    expect((await exchanged(await issuer.token({ exp }))).expiresAtMs).toBe(it.clock.now() + 3_600_000)
  })

  test('of our own is about the same person, and no longer than it', async () => {
    const { token } = await it.mint('alice', { lifetimeMs: 60_000 })
    const got = await exchanged(token)
    expect(got.expiresAtMs).toBe(it.clock.now() + 60_000)
    expect((await whoHas(got)).subject.principal.id).toBe('user:alice')
  })

  test('ends with that one’s revocation, with its issuer, and with whom it is about', async () => {
    const ends: Record<string, (shown: Authenticated) => Promise<unknown>> = {
      revoked: ({ token }) => it.tokens.revoke('system', token.id),
      declared: () => declare({ ...ci, maxLifetimeSeconds: 1800 }),
      removed: () => it.store.write('system', 'apply', (tx) => tx.issuers.delete('ci')),
    }
    for (const [how, end] of Object.entries(ends)) {
      await declare(ci)
      const got = await exchanged(await issuer.token({ jti: how }))
      const live = await whoHas(got)
      const heard: (Refusal | Subject)[] = []
      using _ = people.watch(live, (now) => void heard.push(now))
      await end(got.who)
      expect([how, await isGood(got), heard.map((one) => 'code' in one && one.code)]).toEqual([
        how,
        false,
        ['access-revoked'],
      ])
    }
    const { token } = await it.mint('alice')
    const got = await exchanged(token)
    await it.disable('alice')
    expect(await isGood(got)).toBe(false)
  })

  test('is refused like any that is not good, and counts as a failed log-in of its address', async () => {
    for (const bad of [
      'nonsense',
      'sp_x',
      await issuer.token({ aud: 'other' }),
      await issuer.token({ nonce: 'n' }),
    ])
      expect(await ask(bad)).toEqual(invalidCredential())
    for (let i = 0; i < 30; i++) await ask('nonsense')
    expect(await ask(await issuer.token())).toMatchObject({ code: 'throttled' })
  })

  test('of a browser’s session is not taken', async () => {
    expect(await ask((await it.mint('alice', { kind: 'spb' })).token)).toEqual(invalidCredential())
  })

  test('may be shown again, a hundred times, since it is good for log-ins as well', async () => {
    const token = await issuer.token()
    for (let i = 0; i < 100; i++) await exchanged(token)
    expect(await ask(token)).toMatchObject({
      code: 'denied',
      reason: expect.stringContaining('as often as it may'),
    })
    expect(isRefusal(await people.authenticate(new Secret(token)))).toBe(false)
  })

  describe('of an issuer that says `exchange: once`', () => {
    beforeEach(() => declare({ ...ci, exchange: 'once' }))

    test('is exchanged once, and good for nothing else: found in a log, it is worth nothing', async () => {
      const token = await issuer.token()
      expect(await people.authenticate(new Secret(token))).toEqual(invalidCredential())
      expect(refused.at(-1)?.why).toBe('it is good for an exchange alone')
      const got = await exchanged(token)
      expect(await isGood(got)).toBe(true)
      expect(await ask(token)).toMatchObject({ code: 'denied' })
      expect(await people.authenticate(new Secret(token))).toEqual(invalidCredential())
      expect(await isGood(got)).toBe(true)
    })

    test('gives one of many who ask at once a token', async () => {
      const token = await issuer.token()
      const all = await Promise.all(Array.from({ length: 10 }, () => ask(token)))
      expect(all.filter((one) => !isRefusal(one))).toHaveLength(1)
    })

    test('is worth nothing once it was shown as whoever acts, either', async () => {
      const agent = await issuer.token()
      const { token } = await it.mint('alice')
      await exchanged(token, { actor: agent })
      expect(await ask(token, { actor: agent })).toMatchObject({ code: 'denied' })
      expect(await ask(agent)).toMatchObject({ code: 'denied' })
    })
  })

  describe('with that of an actor', () => {
    test('is about the one and used by the other, until either ends', async () => {
      const alice = await it.mint('alice', { lifetimeMs: 3_000_000 })
      const job = await issuer.token()
      const got = await exchanged(alice.token, { actor: job, restriction: { resources: ['orders-db'] } })
      const { subject } = await whoHas(got)
      expect(subject.principal.id).toBe('user:alice')
      expect(subject.actor).toMatchObject({ kind: 'workload', id: 'workload:ci-shop' })
      expect(subject.scope).toEqual([{ resources: ['orders-db'] }])
      expect(got.expiresAtMs).toBe(it.clock.now() + 300_000)
      await it.tokens.revoke('system', alice.id)
      expect(await isGood(got)).toBe(false)
    })

    test('of themselves is refused', async () => {
      const { token } = await it.mint('alice')
      expect(await ask(token, { actor: token })).toMatchObject({ code: 'denied' })
    })

    test('that is not good is refused as the other would be', async () => {
      expect(await ask((await it.mint('alice')).token, { actor: 'nonsense' })).toEqual(invalidCredential())
    })

    test('that the token does not name in `may_act` is refused', async () => {
      const token = await issuer.token({ may_act: { sub: 'somebody-else' } })
      expect(await ask(token, { actor: (await it.mint('alice')).token })).toMatchObject({ code: 'denied' })
    })
  })

  test('keeps who acts by it, and what it is narrowed to', async () => {
    await declare({ ...ci, actors: 'allowed' })
    const got = await exchanged(await issuer.token({ act: { sub: 'robot' } }), {
      restriction: { actions: ['read'] },
    })
    const { subject } = await whoHas(got)
    expect(subject.actor.id).toBe('agent:ci/robot')
    expect(subject.scope).toEqual([{ actions: ['read'] }])
  })

  test('is not made of one that was made by another, but for an actor', async () => {
    const first = await exchanged((await it.mint('alice')).token)
    expect(await ask(first.token)).toMatchObject({ code: 'denied' })
    const delegations = new Delegations(it)
    const claude = await delegations.mint({
      by: await whoHas(first),
      to: { agent: 'claude' },
      restriction: { resources: ['orders-db'] },
      label: 'test',
    })
    if (isRefusal(claude)) throw new Error(claude.reason)
    expect(await ask(claude.token)).toMatchObject({ code: 'denied' })
    const further = await exchanged(claude.token, {
      actor: await issuer.token(),
      restriction: { actions: ['read'] },
    })
    const { subject } = await whoHas(further)
    expect([subject.principal.id, subject.actor.id, subject.actor.act?.id]).toEqual([
      'user:alice',
      'workload:ci-shop',
      'agent:claude',
    ])
    expect(subject.scope).toEqual([{ resources: ['orders-db'] }, { actions: ['read'] }])
  })

  test('makes no token that outlives it, or is not narrowed as it is', async () => {
    const shown = await it.mint('alice')
    const first = await exchanged(shown.token)
    const more = await it.mint('alice', { by: first.id })
    const narrowed = await exchanged(shown.token, { restriction: { actions: ['read'] } })
    const asked = { principalId: more.principalId, label: 'x', by: narrowed.id }
    expect(await it.tokens.mint('system', asked)).toEqual(invalidCredential())
    await it.tokens.revoke('system', shown.id)
    expect([await isGood(first), await isGood(more)]).toEqual([false, false])
  })

  test('never outlives what was shown, and never loses a restriction, however it is asked for', async () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 })
    const restriction = fc.record({ resources: names, accounts: names, actions: names }, { requiredKeys: [] })
    let job = 0
    await fc.assert(
      fc.asyncProperty(
        restriction,
        fc.integer({ min: 1, max: 3600 }),
        fc.boolean(),
        async (asked, seconds, acts) => {
          const exp = it.clock.now() / 1000 + seconds
          const token = await issuer.token({ exp, jti: job++ })
          const actor = acts ? { actor: (await it.mint('alice')).token } : {}
          const got = await exchanged(token, { restriction: asked, ...actor })
          const { subject } = await whoHas(got)
          expect(got.expiresAtMs).toBeLessThanOrEqual(exp * 1000)
          expect(subject.principal.id).toBe('workload:ci-shop')
          expect(subject.scope ?? []).toEqual(Object.keys(asked).length === 0 ? [] : [asked])
        },
      ),
      { numRuns: 50 },
    )
  })

  test('is written down, without either token', async () => {
    const token = await issuer.token()
    const got = await exchanged(token)
    const written = JSON.stringify(await it.store.read.audit.list(10))
    expect(written).toContain(
      `token ${got.id} made for workload:ci-shop, by a token of issuer ci, by token ${got.who.token.id}`,
    )
    expect(written).toContain('"why":"exchange"')
    for (const secret of [token, got.token.reveal()]) expect(written).not.toContain(secret)
  })
})
