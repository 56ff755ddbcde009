import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  isRefusal,
  principalId,
  Secret,
  type Issuer,
  type Refusal,
  type Restriction,
  type Subject,
} from '@sallyport/core'
import { invalidCredential, type Authenticated } from './authenticator.ts'
import { Authenticators } from './authenticators.ts'
import { Delegations, type Delegation } from './delegations.ts'
import { Federation } from './federation/federation.ts'
import { TokenExchange } from './oauth/token-exchange.ts'
import { identityFixture, type Fixture } from './testing/fixtures.ts'
import { ci, TestIssuer } from './testing/issuer.ts'
import type { MintedToken } from './tokens.ts'

describe('what acts for somebody', () => {
  let it: Fixture
  let delegations: Delegations
  beforeEach(async () => {
    it = await identityFixture()
    delegations = new Delegations(it)
    await it.create('alice', ['developers'], 'Alice')
    await it.create('bob')
  })
  afterEach(() => it[Symbol.asyncDispose]())

  const proven = async (token: Secret): Promise<Authenticated> => {
    const who = await it.tokens.authenticate(token)
    if (isRefusal(who)) throw new Error(who.reason)
    return who
  }
  const holderOf = async (name: string): Promise<Authenticated> => proven((await it.mint(name)).token)
  const mint = (
    by: Authenticated,
    to: Delegation['to'] | string,
    more: Partial<Delegation> = {},
  ): Promise<MintedToken | Refusal> =>
    delegations.mint({
      by,
      to: typeof to === 'string' ? { agent: to } : to,
      restriction: {},
      label: 'test',
      ...more,
    })
  const delegated = async (...args: Parameters<typeof mint>): Promise<Authenticated> => {
    const minted = await mint(...args)
    if (isRefusal(minted)) throw new Error(minted.reason)
    return proven(minted.token)
  }

  test('is named with them, in the order in which one had the other act', async () => {
    const alice = await holderOf('alice')
    const claude = await delegated(alice, 'claude')
    const helper = await delegated(claude, 'helper')
    expect(helper.subject).toEqual({
      principal: alice.subject.principal,
      actor: {
        kind: 'agent',
        id: 'agent:helper',
        name: 'helper',
        act: { kind: 'agent', id: 'agent:claude', name: 'claude' },
      },
    })
    const [entry] = await it.store.read.audit.list(1)
    expect(entry).toMatchObject({ by: 'agent:claude for user:alice', why: 'delegate' })
    expect(entry?.changes[0]).toContain(
      `made for user:alice, used by agent:helper via agent:claude, delegated by token ${claude.token.id}`,
    )
  })

  test('has each restriction of those before it, and one of its own', async () => {
    const [resources, actions]: Restriction[] = [{ resources: ['orders-db'] }, { actions: ['read'] }]
    const claude = await delegated(await holderOf('alice'), 'claude', { restriction: resources! })
    expect(claude.subject.scope).toEqual([resources])
    const helper = await delegated(claude, 'helper', { restriction: actions! })
    expect(helper.subject.scope).toEqual([resources, actions])
    expect((await delegated(helper, 'other')).subject.scope).toEqual([resources, actions])
  })

  test('lives half an hour unless told, and never longer than what it was delegated by', async () => {
    const alice = await holderOf('alice')
    const now = it.clock.now()
    expect((await delegated(alice, 'claude')).token.expiresAtMs).toBe(now + 1_800_000)
    const long = await delegated(alice, 'claude', { lifetimeMs: 12 * 3_600_000 })
    expect(long.token.expiresAtMs).toBe(alice.token.expiresAtMs)
    const short = await delegated(alice, 'claude', { lifetimeMs: 60_000 })
    expect((await delegated(short, 'helper')).token.expiresAtMs).toBe(now + 60_000)
    for (const lifetimeMs of [0, -1, NaN, 12 * 3_600_000 + 1])
      await expect(mint(alice, 'claude', { lifetimeMs })).rejects.toThrow(RangeError)
  })

  test('ends with any of those before it, and what it opened ends then', async () => {
    const alice = await holderOf('alice')
    const claude = await delegated(alice, 'claude')
    const helper = await delegated(claude, 'helper')
    const sibling = await delegated(alice, 'other')
    const told: (readonly [string, Refusal | Subject])[] = []
    for (const [name, who] of Object.entries({ alice, claude, helper, sibling }))
      it.tokens.watch(who, (now) => void told.push([name, now]))
    await it.tokens.revoke('system', claude.token.id)
    expect(told).toMatchObject([
      ['claude', { code: 'access-revoked' }],
      ['helper', { code: 'access-revoked' }],
    ])
    for (const { token } of [claude, helper])
      expect(await it.tokens.holderOf(token.id)).toEqual(invalidCredential())
    expect(isRefusal(await it.tokens.holderOf(sibling.token.id))).toBe(false)
    expect(await mint(helper, 'more')).toEqual(invalidCredential())
    await it.disable('alice')
    expect(await it.tokens.holderOf(sibling.token.id)).toEqual(invalidCredential())
  })

  test('is in the groups that its person is in now', async () => {
    const claude = await delegated(await holderOf('alice'), 'claude', { restriction: { accounts: ['app'] } })
    const told: (Refusal | Subject)[] = []
    it.tokens.watch(claude, (now) => void told.push(now))
    await it.store.write('system', 'x', (tx) => tx.users.setGroups('alice', []))
    await expect
      .poll(() => told)
      .toEqual([{ ...claude.subject, principal: { ...claude.subject.principal, groups: [] } }])
  })

  test('has at most four in a row', async () => {
    let who = await holderOf('alice')
    for (const name of ['a', 'b', 'c', 'd']) who = await delegated(who, name)
    expect(await mint(who, 'e')).toMatchObject({
      code: 'denied',
      reason: expect.stringContaining('at most 4'),
    })
  })

  test('is signed in to no browser', async () => {
    const minted = await mint(await holderOf('alice'), 'claude')
    if (isRefusal(minted)) throw new Error(minted.reason)
    expect(await it.tokens.browser(minted.token)).toEqual(invalidCredential())
  })

  test('never makes a token of its person’s own', async () => {
    const claude = await delegated(await holderOf('alice'), 'claude')
    const request = { principalId: principalId('user', 'alice'), label: 'x' }
    for (const by of [{ by: claude.token.id }, { signedInBy: claude.token.id }])
      expect(await it.tokens.mint('system', { ...request, ...by })).toEqual(invalidCredential())
  })

  test.each(['', 'Claude', 'agent:x', 'a b', 'a\u{202e}b', '../x', '-x', 'x'.repeat(64), 'user/alice'])(
    'is not called %j',
    async (agent) => {
      expect(await mint(await holderOf('alice'), agent)).toMatchObject({ code: 'denied' })
    },
  )

  test.each([
    { resources: [] },
    { accounts: [''] },
    { actions: ['a\nb'] },
    { resources: Array.from({ length: 51 }, (_, i) => `r${i}`) },
    { accounts: ['x'.repeat(129)] },
  ])('is not narrowed to %j', async (restriction) => {
    expect(await mint(await holderOf('alice'), 'claude', { restriction })).toMatchObject({ code: 'denied' })
  })

  describe('and shows a token of its own', () => {
    test('is known by it, and ends with either', async () => {
      const bob = await holderOf('bob')
      const alice = await holderOf('alice')
      const acting = await delegated(alice, bob)
      expect(acting.subject.actor).toEqual({ kind: 'user', id: 'user:bob', name: 'bob' })
      await it.disable('bob')
      expect(await it.tokens.holderOf(acting.token.id)).toEqual(invalidCredential())
      expect(isRefusal(await it.tokens.holderOf(alice.token.id))).toBe(false)
    })

    test('has no more than that is narrowed to, nor than whom it acts for', async () => {
      const exchange = new TokenExchange({ ...it, authenticators: it.tokens })
      const own = await it.mint('bob')
      const narrow = await exchange.exchange({
        subjectToken: own.token,
        restriction: { actions: ['read'] },
        address: '10.0.0.1',
      })
      if (isRefusal(narrow)) throw new Error(narrow.reason)
      const acting = await delegated(await holderOf('alice'), await proven(narrow.token), {
        restriction: { resources: ['orders-db'] },
      })
      expect(acting.subject.scope).toEqual([{ actions: ['read'] }, { resources: ['orders-db'] }])
    })

    test('is not whom it acts for, and nothing that itself acts for somebody', async () => {
      const alice = await holderOf('alice')
      const claude = await delegated(alice, 'claude')
      for (const by of [alice, claude])
        expect(await mint(by, await holderOf('alice'))).toMatchObject({ code: 'denied' })
      expect(await mint(await holderOf('bob'), claude)).toEqual(invalidCredential())
    })
  })

  describe('as an issuer’s token says', () => {
    let issuer: TestIssuer
    let federation: Federation
    let people: Authenticators
    let refused: string[]
    beforeEach(async () => {
      issuer = await TestIssuer.start(it.clock)
      refused = []
      federation = new Federation({
        ...it,
        publishedAt: issuer.publishedAt,
        onRefused: ({ why }) => void refused.push(why),
      })
      people = new Authenticators({ ...it, federation })
      await declare({ actors: 'allowed' })
    })
    afterEach(() => federation[Symbol.dispose]())

    const declare = (more: Partial<Issuer>): Promise<void> =>
      it.store.write('system', 'apply', (tx) => tx.issuers.put({ ...ci, ...more }))
    const show = async (claims: Record<string, unknown>): Promise<Authenticated | Refusal> =>
      people.authenticate(new Secret(await issuer.token(claims)))
    const shown = async (claims: Record<string, unknown>): Promise<Authenticated> => {
      const who = await show(claims)
      if (isRefusal(who)) throw new Error(refused.at(-1))
      return who
    }

    test('is named behind the issuer, so that it is nobody who was named here', async () => {
      const { subject } = await shown({
        act: { sub: 'claude', act: { sub: 'a/b c', iss: 'https://x.example' } },
      })
      expect(subject.principal.id).toBe('workload:ci-shop')
      expect(subject.actor).toEqual({
        kind: 'agent',
        id: 'agent:ci/claude',
        name: 'ci/claude',
        act: {
          kind: 'agent',
          id: 'agent:ci/https:%2F%2Fx.example/a%2Fb%20c',
          name: 'ci/https:%2F%2Fx.example/a%2Fb%20c',
        },
      })
    })

    test('is taken only where the issuer’s declaration says so', async () => {
      await declare({ actors: 'refused' })
      expect(await show({ act: { sub: 'claude' } })).toEqual(invalidCredential())
      expect(refused).toEqual(['it says that somebody acts for whom it is about'])
      expect((await shown({})).subject.actor.kind).toBe('workload')
      await declare({ actors: 'required' })
      expect(await show({ jti: '1' })).toEqual(invalidCredential())
      expect(refused.at(-1)).toBe('it does not say who acts')
      expect((await shown({ act: { sub: 'claude' } })).subject.actor.id).toBe('agent:ci/claude')
    })

    test.each([
      ['a text', 'claude'],
      ['null', null],
      ['a list', [{ sub: 'claude' }]],
      ['without a subject', {}],
      ['with an empty one', { sub: '' }],
      ['with one that is a number', { sub: 7 }],
      ['with one that is too long', { sub: 'x'.repeat(2000) }],
      ['with one that is no Unicode', { sub: '\ud800' }],
      ['with an issuer that is none', { sub: 'claude', iss: 7 }],
      ['with one before that is none', { sub: 'claude', act: { sub: null } }],
      ['too deep', { sub: 'a', act: { sub: 'b', act: { sub: 'c', act: { sub: 'd', act: { sub: 'e' } } } } }],
    ])('is refused where that is %s', async (_, act) => {
      expect(await show({ act })).toEqual(invalidCredential())
      expect(refused.at(-1)).toMatch(/^its act does not say who acts$|^more than 4 act in it/)
    })

    test('may have others act, with all before it in the chain', async () => {
      const claude = await shown({ act: { sub: 'claude' } })
      const helper = await delegated(claude, 'helper')
      expect(helper.subject.actor).toMatchObject({ id: 'agent:helper', act: { id: 'agent:ci/claude' } })
      await declare({ actors: 'allowed', maxLifetimeSeconds: 600 })
      expect(await it.tokens.holderOf(helper.token.id)).toEqual(invalidCredential())
    })

    test('is whom may_act names, and nobody else', async () => {
      const person = { ref: undefined, kind: 'person', preferred_username: 'dora' }
      const robot = await shown({ ...person, sub: 'robot' })
      const other = await shown({ ...person, sub: 'other' })
      for (const may_act of [{ sub: 'robot' }, { sub: 'robot', iss: ci.issuer }]) {
        const dora = await shown({ ...person, sub: 'dora', jti: JSON.stringify(may_act), may_act })
        expect(isRefusal(await mint(dora, robot))).toBe(false)
        for (const to of [other, 'robot', await holderOf('bob')] as const)
          expect(await mint(dora, to)).toMatchObject({ code: 'denied' })
        const own = await it.mint('dora', { principalId: dora.subject.principal.id, by: dora.token.id })
        expect(await mint(await proven(own.token), 'robot')).toMatchObject({ code: 'denied' })
      }
      for (const may_act of [
        null,
        {},
        'robot',
        { sub: 'robot', iss: 'https://other.example' },
        { sub: '' },
      ]) {
        const dora = await shown({ ...person, sub: 'dora', jti: JSON.stringify(may_act), may_act })
        for (const to of [robot, 'robot'] as const)
          expect(await mint(dora, to)).toMatchObject({ code: 'denied' })
      }
    })

    test('ends with the declaration by which its own token was taken', async () => {
      const robot = await shown({ ref: undefined, kind: 'person', sub: 'robot' })
      const acting = await delegated(await holderOf('alice'), robot)
      await it.store.write('system', 'apply', (tx) => tx.issuers.delete('ci'))
      expect(await it.tokens.holderOf(acting.token.id)).toEqual(invalidCredential())
    })
  })
})
