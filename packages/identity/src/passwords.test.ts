import { describe, expect, test } from 'vitest'
import { Secret } from '@sallyport/core'
import { Passwords, weaknessOf } from './passwords.ts'
import { cheap, password } from './testing/fixtures.ts'

describe('passwords', () => {
  test('are kept as a salted Argon2id hash that says its cost', async () => {
    const passwords = new Passwords(cheap)
    const [one, two] = [await passwords.hash(password), await passwords.hash(password)]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(two)
    expect(await passwords.verify(password, one)).toBe('right')
    expect(await passwords.verify(new Secret('correct horse batterz'), one)).toBe('wrong')
  })

  test('verify against the reference implementation’s form', async () => {
    // argon2 -id -v 13 -t 2 -k 65536 -p 1 with salt "somesalt" and password "password": the vector of the reference code.
    const vector = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await new Passwords().verify(new Secret('password'), vector)).toBe('right')
    expect(await new Passwords(cheap).verify(new Secret('password'), vector)).toBe('outdated')
  })

  test('are the same however the characters were composed', async () => {
    const passwords = new Passwords(cheap)
    const stored = await passwords.hash(new Secret('caf\u00e9 caf\u00e9 caf\u00e9'))
    expect(await passwords.verify(new Secret('cafe\u0301 cafe\u0301 cafe\u0301'), stored)).toBe('right')
  })

  test('are wrong where there is no hash, or one that is not ours or costs too much', async () => {
    const passwords = new Passwords(cheap)
    const salt = 'c29tZXNhbHRzb21lc2FsdA'
    const tag = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    for (const stored of [
      null,
      '',
      'password',
      `$argon2i$v=19$m=8,t=1,p=1$${salt}$${tag}`,
      `$argon2id$v=19$m=9999999,t=1,p=1$${salt}$${tag}`,
      `$argon2id$v=19$m=8,t=0,p=1$${salt}$${tag}`,
      `$argon2id$v=19$m=8,t=1,p=1$${salt}$`,
    ])
      expect(await passwords.verify(password, stored)).toBe('wrong')
  })

  test('that too many want hashed at once are refused, and the others are served', async () => {
    const passwords = new Passwords(cheap)
    const asked = Array.from({ length: 80 }, async () => passwords.hash(password))
    const outcomes = await Promise.allSettled(asked)
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBe(80 - 66)
    expect(refused[0]).toMatchObject({ reason: { code: 'gateway/overloaded' } })
    expect(await passwords.hash(password)).toMatch(/^\$argon2id/)
  })

  test.each([
    ['x'.repeat(11), false],
    ['x'.repeat(12), true],
    ['x'.repeat(256), true],
    ['x'.repeat(257), false],
  ])('have 12 to 256 characters', (text, isFine) => {
    expect(weaknessOf(new Secret(text)) === undefined).toBe(isFine)
  })
})
