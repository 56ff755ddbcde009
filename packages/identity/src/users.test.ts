import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, principalId, Secret } from '@sallyport/core'
import { Passwords } from './passwords.ts'
import { cheap, identityFixture, password, type Fixture } from './testing/fixtures.ts'
import { isUserName, Users } from './users.ts'

describe('users', () => {
  let it: Fixture
  beforeEach(async () => {
    it = await identityFixture()
    await it.users.create('system', { name: 'alice', displayName: 'Alice', groups: ['developers'] })
  })
  afterEach(() => it[Symbol.asyncDispose]())

  test('sign in with their own password, and no other', async () => {
    await it.users.setPassword('system', 'alice', password)
    expect(await it.users.verify('alice', password)).toEqual({
      kind: 'user',
      id: 'user:alice',
      name: 'Alice',
      groups: ['developers'],
    })
    for (const wrong of ['correct horse batterz', '', `${password.reveal()} `, 'x'.repeat(10_000)])
      expect(await it.users.verify('alice', new Secret(wrong))).toBeUndefined()
  })

  test('who are unknown, disabled, or without a password do not', async () => {
    expect(await it.users.verify('alice', password)).toBeUndefined()
    expect(await it.users.verify('nobody', password)).toBeUndefined()
    await it.users.setPassword('system', 'alice', password)
    await it.users.disable('system', 'alice')
    expect(await it.users.verify('alice', password)).toBeUndefined()
    expect(await it.users.principal(principalId('user', 'alice'))).toBeUndefined()
    await it.users.enable('system', 'alice')
    expect(await it.users.verify('alice', password)).toBeDefined()
  })

  test('who are disabled or get another password lose their tokens', async () => {
    const { tokens, users } = it
    const issue = async () => (await tokens.issue('system', principalId('user', 'alice'), '')).token
    const before = await issue()
    await users.setPassword('system', 'alice', password)
    expect(isRefusal(await tokens.authenticate(before))).toBe(true)
    const later = await issue()
    await users.disable('system', 'alice')
    await users.enable('system', 'alice')
    expect(isRefusal(await tokens.authenticate(later))).toBe(true)
  })

  test('have their hash raised to the present cost when they sign in, and keep their tokens', async () => {
    await it.users.setPassword('system', 'alice', password)
    const { token } = await it.tokens.issue('system', principalId('user', 'alice'), '')
    const dearer = new Users(it.store, new Passwords({ ...cheap, passes: 2 }))
    expect(await dearer.verify('alice', password)).toBeDefined()
    expect((await it.store.read.users.get('alice'))?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=8,t=2,p=1\$/)
    expect(await dearer.verify('alice', password)).toBeDefined()
    expect(isRefusal(await it.tokens.authenticate(token))).toBe(false)
  })

  test('have their password changed while an old one is being verified: the old one is wrong', async () => {
    await it.users.setPassword('system', 'alice', password)
    const verifying = it.users.verify('alice', password)
    await it.store.write('system', 'reset', (tx) => tx.users.setPasswordHash('alice', 'another'))
    expect(await verifying).toBeUndefined()
  })

  test.each(['alice', 'a', 'a.b-c_d', '0', 'x'.repeat(63)])('may be called %s', (name) => {
    expect(isUserName(name)).toBe(true)
  })

  test.each(['', 'Alice', '-a', 'a-', 'a b', 'a/b', 'ä', 'x'.repeat(64), 'a\n', 'user:a'])(
    'may not be called %j',
    async (name) => {
      expect(isUserName(name)).toBe(false)
      expect(() => it.users.create('system', { name, displayName: '', groups: [] })).toThrow('no user name')
      expect(await it.users.list()).toHaveLength(1)
    },
  )
})
