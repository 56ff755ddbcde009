import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, Secret, type Refusal } from '@sallyport/core'
import { mintOpaque } from './opaque-token.ts'
import { SetupLinks, type SetupCode } from './setup-links.ts'
import { identityFixture, password, type Fixture } from './testing/fixtures.ts'
import type { MintedToken } from './tokens.ts'

let it: Fixture
beforeEach(async () => {
  it = await identityFixture()
})
afterEach(() => it[Symbol.asyncDispose]())

const use = (
  { code }: Pick<SetupCode, 'code'>,
  name?: string,
  chosen = password,
): Promise<(MintedToken & { userName: string }) | Refusal> =>
  it.links.use({ code, password: chosen, address: '10.0.0.1', ...(name !== undefined && { name }) })
const gone = { kind: 'refusal', code: 'invalid-credential' }
const names = async (): Promise<string[]> => (await it.store.read.users.list()).map(({ name }) => name)

describe('the first administrator’s link', () => {
  const first = async (): Promise<SetupCode> =>
    (await it.links.forFirstAdministrator()) ?? expect.fail('no code')

  test('makes one administrator, who chooses name and password, and is signed in', async () => {
    const link = await first()
    expect(link.code.reveal()).toMatch(/^sps_/)
    expect(await it.links.look(link.code, '10.0.0.1')).toEqual({
      userName: null,
      expiresAtMs: it.clock.now() + 86_400_000,
    })
    const minted = await use(link, 'root')
    if (isRefusal(minted)) throw new Error(minted.reason)
    expect(minted.userName).toBe('root')
    expect(await it.tokens.authenticate(minted.token)).toMatchObject({
      subject: { principal: { id: 'user:root', groups: ['administrators'] } },
    })
    expect(isRefusal(await it.log('root', password))).toBe(false)
    expect(await use(link, 'second')).toMatchObject(gone)
    expect(await it.links.forFirstAdministrator()).toBeUndefined()
  })

  test('stays good after a name or a password that will not do', async () => {
    const link = await first()
    for (const [name, chosen] of [
      [undefined, password],
      ['Not A Name', password],
      ['root', new Secret('short')],
      ['root', new Secret('x'.repeat(257))],
    ] as const)
      expect(await use(link, name, chosen)).toMatchObject({ code: 'denied' })
    expect(await use(link, 'root')).toMatchObject({ userName: 'root' })
  })

  test('makes one even where many use it at the same moment', async () => {
    const link = await first()
    const outcomes = await Promise.all(['a', 'b', 'c'].map((name) => use(link, name)))
    expect(outcomes.filter((outcome) => !isRefusal(outcome))).toHaveLength(1)
    expect(await names()).toHaveLength(1)
  })

  test('is worth nothing once another was made, after a day, or once there is anybody', async () => {
    const replaced = await first()
    const late = await first()
    expect(await use(replaced, 'root')).toMatchObject(gone)
    it.clock.advance(86_400_000)
    expect(await it.links.look(late.code, '10.0.0.1')).toMatchObject(gone)
    expect(await use(late, 'root')).toMatchObject(gone)
    const outrun = await first()
    await it.create('alice')
    expect(await use(outrun, 'root')).toMatchObject(gone)
    expect(await names()).toEqual(['alice'])
  })
})

describe('a user’s link', () => {
  const given = (link: SetupCode | Refusal | undefined): SetupCode =>
    link === undefined || isRefusal(link) ? expect.fail('no link') : link
  const invite = async (): Promise<SetupCode> =>
    given(await it.links.invite('system', { name: 'alice', groups: ['dba'] }))
  const renew = async (): Promise<SetupCode> => given(await it.links.renew('system', 'alice'))

  test('sets that user’s password and no other’s, once, and is audited as theirs', async () => {
    const link = await invite()
    expect(await use(link, 'mallory')).toMatchObject({ code: 'denied' })
    expect(await use(link)).toMatchObject({ userName: 'alice' })
    expect((await it.store.read.audit.list(1))[0]).toMatchObject({ by: 'user:alice', why: 'set-up' })
    expect(await use(link, 'alice')).toMatchObject(gone)
    expect(await names()).toEqual(['alice'])
  })

  test('ends what was open under the password that it replaces', async () => {
    await invite()
    const { token } = await it.mint('alice')
    await use(await renew())
    expect(isRefusal(await it.tokens.authenticate(token))).toBe(true)
  })

  test('ends after an hour, with a newer one, and with the user', async () => {
    const replaced = await invite()
    const late = await renew()
    expect(await use(replaced)).toMatchObject(gone)
    it.clock.advance(3_600_000)
    expect(await use(late)).toMatchObject(gone)
    const outlived = await renew()
    await it.disable('alice')
    expect(await use(outlived)).toMatchObject(gone)
    expect(await it.links.renew('system', 'alice')).toBeUndefined()
  })

  test('is for nobody to whom a password would be of no use', async () => {
    await invite()
    const links = new SetupLinks({ ...it, mayUsePassword: ({ groups }) => groups.includes('administrators') })
    const noPassword = { code: 'denied', reason: expect.stringContaining('sign in at the identity provider') }
    expect(await links.invite('system', { name: 'bob', groups: ['dba'] })).toMatchObject(noPassword)
    expect(await links.renew('system', 'alice')).toMatchObject(noPassword)
    expect(await names()).toEqual(['alice'])
    expect(isRefusal(await links.invite('system', { name: 'root', groups: ['administrators'] }))).toBe(false)
  })

  test('is for a new name, or a user who is there', async () => {
    await invite()
    expect(await it.links.invite('system', { name: 'alice', groups: [] })).toBeUndefined()
    expect(await it.links.renew('system', 'nobody')).toBeUndefined()
    await expect(it.links.invite('system', { name: 'Not A Name', groups: [] })).rejects.toThrow(
      'no user name',
    )
  })
})

test('codes that open nothing are all refused alike, and count against who tries them', async () => {
  const codes = [mintOpaque('sps').token, mintOpaque('sp').token, new Secret('')]
  for (const code of codes) expect(await use({ code }, 'root')).toMatchObject(gone)
  for (let i = codes.length; i < 30; i++) await it.links.look(new Secret(''), '10.0.0.1:1')
  expect(await use({ code: new Secret('') })).toMatchObject({ code: 'throttled' })
  expect(await it.links.look(new Secret(''), '10.0.0.1')).toMatchObject({ code: 'throttled' })
  expect(await it.links.look(new Secret(''), '10.0.0.2')).toMatchObject(gone)
})
