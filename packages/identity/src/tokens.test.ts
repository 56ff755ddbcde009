import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  isRefusal,
  principalId,
  Secret,
  type Actor,
  type Refusal,
  type Secret as SecretType,
  type Subject,
} from '@sallyport/core'
import type { Authenticated } from './authenticator.ts'
import { mintOpaque } from './opaque-token.ts'
import { identityFixture, type Fixture } from './testing/fixtures.ts'

const alice = principalId('user', 'alice')
const robot: Actor = { kind: 'agent', id: 'agent:robot', name: 'robot' }

describe('access tokens', () => {
  let it: Fixture
  beforeEach(async () => {
    it = await identityFixture()
    await it.create('alice', ['developers'], 'Alice')
    await it.create('bob')
  })
  afterEach(() => it[Symbol.asyncDispose]())

  const setGroups = (name: string, groups: readonly string[]): Promise<boolean> =>
    it.store.write('system', 'test', (tx) => tx.users.setGroups(name, groups))

  const proven = async (token: SecretType): Promise<Authenticated> => {
    const who = await it.tokens.authenticate(token)
    if (isRefusal(who)) throw new Error(who.reason)
    return who
  }

  test('name their principal, what acts for it, and their own end', async () => {
    const own = await it.mint('alice', { label: 'laptop' })
    const principal = { kind: 'user', id: alice, name: 'alice', groups: ['developers'] }
    expect(await it.tokens.authenticate(own.token)).toEqual({
      subject: { principal, actor: { kind: 'user', id: alice, name: 'alice' } },
      token: { id: own.id, label: 'laptop', expiresAtMs: it.clock.now() + 3_600_000 },
    })
    const delegated = await it.mint('alice', { lifetimeMs: 60_000, actor: robot })
    expect((await proven(delegated.token)).subject).toEqual({ principal, actor: robot })
    const bob = await it.mint('bob')
    expect((await proven(bob.token)).subject.principal.name).toBe('bob')
  })

  test('that are unknown, mistyped, over, revoked, or of a disabled user get one and the same answer', async () => {
    const { tokens, clock } = it
    const [short, revoked, disabled] = [
      await it.mint('alice', { lifetimeMs: 1000 }),
      await it.mint('alice'),
      await it.mint('alice'),
    ]
    for (const { token } of [short, revoked, disabled]) await proven(token)
    expect(await tokens.revoke('system', revoked.id)).toBe(true)
    clock.advance(1000)
    const answers = [
      await tokens.authenticate(mintOpaque('sp').token),
      await tokens.authenticate(new Secret('sp_mistyped')),
      await tokens.authenticate(short.token),
      await tokens.authenticate(revoked.token),
    ]
    await proven(disabled.token)
    await it.disable('alice')
    answers.push(await tokens.authenticate(disabled.token))
    await it.enable('alice')
    answers.push(await tokens.authenticate(disabled.token))
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ code: 'invalid-credential' })
  })

  test('are good until their last millisecond, cached or not', async () => {
    const { token } = await it.mint('alice', { lifetimeMs: 1000 })
    it.clock.advance(999)
    await proven(token)
    it.clock.advance(1)
    expect(isRefusal(await it.tokens.authenticate(token))).toBe(true)
  })

  test('carry the groups that their principal has now, whoever changed them', async () => {
    const { token } = await it.mint('alice')
    await proven(token)
    await it.store.write('system', 'apply', (tx) => tx.users.setGroups('alice', ['dba']))
    expect((await proven(token)).subject.principal.groups).toEqual(['dba'])
  })

  test('live 12 hours at most, and never longer than the token by which they were asked for', async () => {
    for (const lifetimeMs of [12 * 3_600_000 + 1, 0, -1, Number.NaN])
      await expect(it.mint('alice', { lifetimeMs })).rejects.toThrow('at most 12 hours')
    const now = it.clock.now()
    const short = await it.mint('alice', { lifetimeMs: 5 })
    const long = await it.mint('alice', { lifetimeMs: 7_200_000 })
    expect((await it.mint('alice', { by: short.id })).expiresAtMs).toBe(now + 5)
    expect((await it.mint('alice', { by: long.id })).expiresAtMs).toBe(now + 3_600_000)
    it.clock.advance(5)
    await expect(it.mint('alice', { by: short.id })).rejects.toThrow('not valid')
    await it.tokens.revoke('system', long.id)
    await expect(it.mint('alice', { by: long.id })).rejects.toThrow('not valid')
  })

  test('are never asked for by the token of somebody else', async () => {
    const { id } = await it.mint('bob')
    await expect(it.mint('alice', { by: id })).rejects.toThrow('not valid')
  })

  test('are for principals that are known and not disabled', async () => {
    await it.disable('bob')
    for (const unfit of [
      principalId('user', 'nobody'),
      principalId('workload', 'alice'),
      principalId('user', 'bob'),
    ])
      expect(await it.tokens.mint('system', { principalId: unfit, label: '' })).toMatchObject({
        code: 'invalid-credential',
      })
    expect(await it.store.read.tokens.list(undefined, 9)).toEqual([])
  })

  test('stand nowhere in the store', async () => {
    const { token } = await it.mint('alice', { label: 'l' })
    const kept = [await it.store.read.tokens.list(undefined, 10), await it.store.read.audit.list(10)]
    expect(JSON.stringify(kept)).not.toContain(token.reveal().slice(3))
    expect(JSON.stringify(kept)).toContain('"label":"l"')
  })

  test('say when they were last used, to the minute', async () => {
    const { token, id } = await it.mint('alice')
    const usedAt = async () => (await it.store.read.tokens.get(id))?.lastUsedAt
    expect(await usedAt()).toBeNull()
    await proven(token)
    const first = it.clock.now()
    it.clock.advance(59_999)
    await proven(token)
    expect(await usedAt()).toBe(first)
    it.clock.advance(1)
    await proven(token)
    expect(await usedAt()).toBe(it.clock.now())
  })

  test('that are being revoked while they are read are not taken for good, nor remembered', async () => {
    const { token, id } = await it.mint('alice')
    const [, answer] = await Promise.all([it.tokens.revoke('system', id), it.tokens.authenticate(token)])
    const after = await it.tokens.authenticate(token)
    expect(isRefusal(after)).toBe(true)
    expect(isRefusal(answer) || answer.token.id === id).toBe(true)
  })

  describe('whoever watches what one has proven', () => {
    const watched = (who: Authenticated) => {
      const told: (Refusal | Subject)[] = []
      return { told, watch: it.tokens.watch(who, (now) => void told.push(now)) }
    }

    test('is told of its revocation before the revocation is done, once', async () => {
      const mine = await it.mint('alice')
      const other = await it.mint('alice')
      const { told } = watched(await proven(mine.token))
      await it.tokens.revoke('system', other.id)
      expect(told).toEqual([])
      await it.store.write('system', 'elsewhere', async (tx) => {
        await tx.tokens.revoke({ principalId: alice })
        expect(told).toEqual([])
      })
      expect(told).toMatchObject([{ kind: 'refusal', code: 'access-revoked' }])
      await it.disable('alice')
      expect(told).toHaveLength(1)
    })

    test('is told when the user is disabled, even by a write that revokes no token', async () => {
      const { token } = await it.mint('alice')
      const { told } = watched(await proven(token))
      await it.store.write('system', 'apply', (tx) => tx.users.disable('alice'))
      expect(told).toMatchObject([{ code: 'access-revoked' }])
    })

    test('is told of other groups, and not of what changes nothing', async () => {
      const { token } = await it.mint('alice', { lifetimeMs: 60_000, actor: robot })
      const { told } = watched(await proven(token))
      await setGroups('alice', ['developers'])
      await setGroups('bob', ['dba'])
      await setGroups('alice', ['dba'])
      await expect.poll(() => told).toHaveLength(1)
      expect(told).toMatchObject([{ principal: { id: alice, groups: ['dba'] }, actor: robot }])
    })

    test('is told nothing of an address that somebody comes from, which stays theirs', async () => {
      const who = await proven((await it.mint('alice')).token)
      const { told } = watched({ ...who, subject: { ...who.subject, source: '10.0.0.1' } })
      await it.store.read.users.list()
      expect(told).toEqual([])
      await setGroups('alice', ['dba'])
      await expect.poll(() => told).toMatchObject([{ principal: { groups: ['dba'] }, source: '10.0.0.1' }])
    })

    test('is told of what happened between the log-in and the watching', async () => {
      const { token, id } = await it.mint('alice')
      const who = await proven(token)
      await it.tokens.revoke('system', id)
      const { told } = watched(who)
      await expect.poll(() => told).toMatchObject([{ code: 'access-revoked' }])
    })

    test('is told nothing once it has stopped watching', async () => {
      const { token } = await it.mint('alice')
      const { told, watch } = watched(await proven(token))
      watch[Symbol.dispose]()
      await it.disable('alice')
      expect(told).toEqual([])
    })
  })
})
