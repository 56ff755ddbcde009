import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, principalId, Secret } from '@sallyport/core'
import { mintOpaque } from './opaque-token.ts'
import { identityFixture, password, type Fixture } from './testing/fixtures.ts'

describe('the first administrator’s link', () => {
  let it: Fixture
  beforeEach(async () => {
    it = await identityFixture()
  })
  afterEach(() => it[Symbol.asyncDispose]())
  const first = async (): Promise<Secret> =>
    (await it.links.forFirstAdministrator()) ?? expect.fail('no code')

  test('makes one administrator, who chooses name and password', async () => {
    const code = await first()
    expect(await it.links.look(code)).toMatchObject({
      userName: null,
      expiresAt: it.clock.now() + 86_400_000,
    })
    expect(await it.links.use(code, 'root', password)).toEqual({
      kind: 'done',
      principal: { kind: 'user', id: 'user:root', name: 'root', groups: ['administrators'] },
    })
    expect(await it.users.verify('root', password)).toBeDefined()
    expect(await it.links.use(code, 'second', password)).toEqual({ kind: 'invalid-code' })
    expect(await it.links.forFirstAdministrator()).toBeUndefined()
  })

  test('stays good after a name or a password that will not do', async () => {
    const code = await first()
    expect(await it.links.use(code, 'Not A Name', password)).toMatchObject({ kind: 'invalid-name' })
    expect(await it.links.use(code, 'root', new Secret('short'))).toMatchObject({ kind: 'weak-password' })
    expect(await it.links.use(code, 'root', new Secret('x'.repeat(257)))).toMatchObject({
      kind: 'weak-password',
    })
    expect(await it.links.use(code, 'root', password)).toMatchObject({ kind: 'done' })
  })

  test('makes one even where two use it at the same moment', async () => {
    const code = await first()
    const outcomes = await Promise.all(['a', 'b', 'c'].map((name) => it.links.use(code, name, password)))
    expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1)
    expect(await it.users.list()).toHaveLength(1)
  })

  test('is worth nothing once there is anybody, after a day, or once another was made', async () => {
    const replaced = await first()
    const late = await first()
    expect(await it.links.use(replaced, 'root', password)).toEqual({ kind: 'invalid-code' })
    it.clock.advance(86_400_000)
    expect(await it.links.look(late)).toBeUndefined()
    expect(await it.links.use(late, 'root', password)).toEqual({ kind: 'invalid-code' })
    const outrun = await first()
    await it.users.create('system', { name: 'alice', displayName: '', groups: [] })
    expect(await it.links.use(outrun, 'root', password)).toEqual({ kind: 'invalid-code' })
    expect(await it.users.list()).toHaveLength(1)
  })
})

describe('a user’s link', () => {
  let it: Fixture
  beforeEach(async () => {
    it = await identityFixture()
    await it.users.create('system', { name: 'alice', displayName: 'Alice', groups: ['dba'] })
  })
  afterEach(() => it[Symbol.asyncDispose]())

  test('sets that user’s password and no other’s, once, and is audited as theirs', async () => {
    const code = await it.links.forUser('system', 'alice')
    expect(await it.links.use(code, 'mallory', password)).toMatchObject({
      kind: 'done',
      principal: { id: 'user:alice', groups: ['dba'] },
    })
    expect(await it.links.use(code, 'alice', password)).toEqual({ kind: 'invalid-code' })
    expect((await it.users.list()).map(({ name }) => name)).toEqual(['alice'])
    expect((await it.store.read.audit.list(1))[0]).toMatchObject({ by: 'user:alice', why: 'set-up' })
  })

  test('ends what was open under the password that it replaces', async () => {
    const { token } = await it.tokens.issue('system', principalId('user', 'alice'), '')
    await it.links.use(await it.links.forUser('system', 'alice'), '', password)
    expect(isRefusal(await it.tokens.authenticate(token))).toBe(true)
  })

  test('ends after an hour, with a newer one, and with the user', async () => {
    const use = (code: Secret) => it.links.use(code, '', password)
    const replaced = await it.links.forUser('system', 'alice')
    const late = await it.links.forUser('system', 'alice')
    expect(await use(replaced)).toEqual({ kind: 'invalid-code' })
    it.clock.advance(3_600_000)
    expect(await use(late)).toEqual({ kind: 'invalid-code' })
    const outlived = await it.links.forUser('system', 'alice')
    await it.users.disable('system', 'alice')
    expect(await use(outlived)).toEqual({ kind: 'invalid-code' })
    await it.users.enable('system', 'alice')
    expect(await it.users.verify('alice', password)).toBeUndefined()
  })

  test('is none for nobody, and no other token is one', async () => {
    await expect(it.links.forUser('system', 'nobody')).rejects.toThrow('no such user')
    for (const code of [mintOpaque('sps'), mintOpaque('sp'), new Secret('')])
      expect(await it.links.use(code, 'alice', password)).toEqual({ kind: 'invalid-code' })
  })
})
