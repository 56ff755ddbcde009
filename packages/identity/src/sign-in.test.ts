import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, Secret } from '@sallyport/core'
import { Passwords } from './passwords.ts'
import { SignIn } from './sign-in.ts'
import { cheap, identityFixture, password, type Fixture } from './testing/fixtures.ts'

const wrong = new Secret('correct horse batterz')

describe('signing in with a password', () => {
  let it: Fixture
  beforeEach(async () => {
    it = await identityFixture()
    await it.create('alice', ['developers'], 'Alice')
    await it.setPassword('alice', password)
  })
  afterEach(() => it[Symbol.asyncDispose]())

  test('gives a token of that user, and is audited', async () => {
    const minted = await it.log('alice', password, '10.0.0.9:40112')
    if (isRefusal(minted)) throw new Error(minted.reason)
    expect(await it.tokens.authenticate(minted.token)).toMatchObject({
      subject: { principal: { id: 'user:alice', name: 'alice', groups: ['developers'] } },
      token: { label: 'log-in', expiresAtMs: it.clock.now() + 3_600_000 },
    })
    const [entry] = await it.store.read.audit.list(1)
    expect(entry).toMatchObject({ by: 'user:alice', why: 'log-in' })
    expect(entry?.changes).toContain('user alice logged in from 10.0.0.9:40112')
  })

  test('answers everything that is not good alike', async () => {
    await it.create('invited')
    await it.create('disabled')
    await it.setPassword('disabled', password)
    await it.disable('disabled')
    const answers = [
      await it.log('alice', wrong),
      await it.log('alice', new Secret('')),
      await it.log('alice', new Secret('x'.repeat(10_000))),
      await it.log('nobody', password),
      await it.log('invited', password),
      await it.log('disabled', password),
    ]
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ code: 'invalid-credential' })
  })

  test('does the same work for everybody, so that its time tells no user from others', async () => {
    await it.create('invited')
    await it.create('disabled')
    await it.setPassword('disabled', password)
    await it.disable('disabled')
    const hashed: (string | null)[] = []
    const passwords = Object.assign(Object.create(it.passwords) as Passwords, {
      verify: (shown: Secret, stored: string | null) => {
        hashed.push(stored)
        return it.passwords.verify(shown, stored)
      },
    })
    const signIn = new SignIn({ ...it, passwords })
    for (const name of ['alice', 'nobody', 'invited', 'disabled'])
      await signIn.withPassword({ name, password: wrong, address: '10.0.0.1', label: 'x' })
    expect(hashed.map((stored) => stored !== null)).toEqual([true, false, false, true])
  })

  test('writes failures down, but never a password, nor a name that may be one', async () => {
    await it.log('alice', wrong, '10.0.0.9')
    await it.log('hunter2', wrong, '10.0.0.9')
    const changes = (await it.store.read.audit.list(2)).flatMap((entry) => entry.changes)
    expect(changes).toEqual([
      'log-in failed for an unknown name from 10.0.0.9',
      'log-in failed for user alice from 10.0.0.9',
    ])
  })

  test('is refused after too many failures, even with the right password, and allowed again later', async () => {
    for (let i = 0; i < 10; i++) await it.log('alice', wrong, `10.0.0.${i}`)
    expect(await it.log('alice', password, '10.0.1.1')).toMatchObject({ code: 'throttled' })
    it.clock.advance(30_000)
    expect(isRefusal(await it.log('alice', password, '10.0.1.1'))).toBe(false)
  })

  test('answers no more guesses at once than in a row', async () => {
    const guesses = Array.from({ length: 40 }, (_, i) => it.log('alice', wrong, `10.0.0.${i}`))
    const last = it.log('alice', password, '10.0.1.1')
    const codes = (await Promise.all(guesses)).map((answer) => isRefusal(answer) && answer.code)
    expect(codes.filter((code) => code === 'invalid-credential').length).toBeLessThanOrEqual(12)
    expect(await last).toMatchObject({ code: 'throttled' })
  })

  test('does not wear out a source that always succeeds', async () => {
    for (let i = 0; i < 50; i++) expect(isRefusal(await it.log('alice', password))).toBe(false)
  })

  test('with a password that was changed while it was being verified fails', async () => {
    const signingIn = it.log('alice', password)
    await it.store.write('system', 'reset', (tx) => tx.users.setPasswordHash('alice', 'another'))
    expect(isRefusal(await signingIn)).toBe(true)
  })

  test('raises the hash to the present cost, and ends nothing', async () => {
    const { token } = await it.mint('alice')
    const dearer = new SignIn({ ...it, passwords: new Passwords({ ...cheap, passes: 2 }) })
    const claim = { name: 'alice', password, address: '10.0.0.1', label: '' }
    expect(isRefusal(await dearer.withPassword(claim))).toBe(false)
    expect((await it.store.read.users.get('alice'))?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=8,t=2,p=1\$/)
    expect(isRefusal(await dearer.withPassword(claim))).toBe(false)
    expect(isRefusal(await it.tokens.authenticate(token))).toBe(false)
  })

  test('ends with another password, and with the user', async () => {
    const before = await it.mint('alice')
    await it.setPassword('alice', wrong)
    expect(isRefusal(await it.tokens.authenticate(before.token))).toBe(true)
    const later = await it.mint('alice')
    await it.disable('alice')
    await it.enable('alice')
    expect(isRefusal(await it.tokens.authenticate(later.token))).toBe(true)
    expect(isRefusal(await it.log('alice', wrong))).toBe(false)
  })
})
