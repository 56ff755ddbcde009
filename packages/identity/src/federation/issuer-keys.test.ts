import { beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '@sallyport/core/testing'
import { TestIssuer } from '../testing/issuer.ts'
import { IssuerKeys, maxAgeMs, pauseMs, usable } from './issuer-keys.ts'

describe('an issuer’s keys', () => {
  let clock: FakeClock
  let issuer: TestIssuer
  let keys: IssuerKeys
  beforeEach(async () => {
    clock = new FakeClock()
    issuer = await TestIssuer.start(clock)
    keys = new IssuerKeys(() => issuer.publishedAt(new URL('https://ci.example/jwks')), clock)
  })
  const find = async (kid: string): Promise<boolean> => 'key' in (await keys.find({ alg: 'ES256', kid }))

  test('are looked up once, however many ask', async () => {
    expect(await Promise.all(Array.from({ length: 50 }, () => find('k1')))).not.toContain(false)
    expect(issuer.asked).toBe(1)
  })

  describe('G314: when they are rotated', () => {
    test('the new one is found by one look-up, and the old one is good until it is removed', async () => {
      await find('k1')
      await issuer.addKey('k2')
      clock.advance(pauseMs)
      expect(await Promise.all(['k2', 'k2', 'k1', 'k2'].map(find))).toEqual([true, true, true, true])
      expect(issuer.asked).toBe(2)
      issuer.removeKey('k1')
      clock.advance(600_000)
      expect(await find('k1')).toBe(false)
      expect(await find('k2')).toBe(true)
    })

    test('whoever invents key names makes nobody look them up again and again', async () => {
      await find('k1')
      for (let i = 0; i < 100; i++) {
        clock.advance(pauseMs / 100)
        expect(await find(`made-up-${i}`)).toBe(false)
      }
      expect(issuer.asked).toBeLessThanOrEqual(3)
      expect(await keys.find({ alg: 'ES256', kid: 'made-up' })).toEqual({
        why: 'its key is none of its issuer’s',
      })
    })
  })

  describe('G315: while they cannot be had', () => {
    test('the last ones are good for 12 hours, and then none', async () => {
      await find('k1')
      issuer.isDown = true
      clock.advance(maxAgeMs - 1)
      expect(await find('k1')).toBe(true)
      clock.advance(1)
      expect(await keys.find({ alg: 'ES256', kid: 'k1' })).toEqual({
        why: 'the keys of its issuer cannot be had',
      })
      issuer.isDown = false
      clock.advance(pauseMs)
      expect(await find('k1')).toBe(true)
    })

    test('and never were, nothing is good', async () => {
      issuer.isDown = true
      expect(await find('k1')).toBe(false)
      expect(await find('k1')).toBe(false)
      expect(issuer.asked).toBe(1)
    })

    test('what is no key set changes nothing', async () => {
      await find('k1')
      keys = new IssuerKeys(() => Promise.resolve({ keys: 'none' }), clock)
      expect(await find('k1')).toBe(false)
    })
  })

  test('of a kind that everybody could sign with are left out', () => {
    const secret = { kty: 'oct', k: 'c2VjcmV0', kid: 'k1' }
    const privateKey = { ...issuer.published(), d: 'x' }
    const forEncryption = { ...issuer.published(), use: 'enc' }
    expect(usable({ keys: [secret, privateKey, forEncryption, 7, issuer.published()] })).toEqual([
      issuer.published(),
    ])
    expect(() => usable({ keys: Array.from({ length: 101 }, () => issuer.published()) })).toThrow(
      'no set of keys',
    )
  })

  test('that a token does not tell apart are not guessed at', async () => {
    await issuer.addKey('k2')
    expect(await keys.find({ alg: 'ES256' })).toEqual({ why: 'it does not say by which key it is signed' })
  })
})
