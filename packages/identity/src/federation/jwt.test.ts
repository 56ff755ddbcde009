import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasNameTwice } from './json-names.ts'
import { looksLikeJwt, maxJwtCharacters, readJwt } from './jwt.ts'

const part = (text: string): string => Buffer.from(text).toString('base64url')
const jwt = (header: string, claims: string, signature = 'AAAA'): string =>
  `${part(header)}.${part(claims)}.${signature}`

describe('a token', () => {
  test('is read into header, claims and what is signed', () => {
    const text = jwt('{"alg":"ES256"}', '{"sub":"a"}')
    expect(looksLikeJwt(text)).toBe(true)
    expect(readJwt(text)).toEqual({
      header: { alg: 'ES256' },
      claims: { sub: 'a' },
      signed: text.slice(0, text.lastIndexOf('.')),
    })
  })

  test.each([
    ['without a signature', jwt('{"alg":"none"}', '{}', ''), 'not signed'],
    ['in two parts', 'eyJ.eyJ', 'not signed'],
    ['that is encrypted', `${jwt('{}', '{}')}.AAAA.AAAA`, 'three parts'],
    ['longer than is read', `ey.${'A'.repeat(maxJwtCharacters)}.A`, 'longer than'],
    ['with a claim twice', jwt('{}', '{"sub":"a","sub":"b"}'), 'claims has a name twice'],
    ['with a claim twice, once escaped', jwt('{}', '{"aud":"a","\\u0061ud":"b"}'), 'claims has a name twice'],
    ['with a header twice', jwt('{"alg":"ES256", "alg" : "none"}', '{}'), 'header has a name twice'],
    ['whose claims are a list', jwt('{}', '[]'), 'claims is no JSON object'],
    ['whose claims are no JSON', jwt('{}', '{'), 'claims is no JSON'],
    [
      'whose claims are no text',
      `${part('{}')}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.AAAA`,
      'no JSON',
    ],
    ['with a mark before its JSON', jwt('\u{feff}{}', '{}'), 'header is no JSON'],
    ['in the other alphabet', jwt('{}', '{"a":"~~~"}').replaceAll('-', '+'), 'base64url'],
    ['with padding', `${part('{}')}==.${part('{}')}.AAAA`, 'header is not base64url'],
    [
      'with bits that nobody reads',
      `${part('{}').slice(0, -1)}1.${part('{}')}.AAAA`,
      'header is not base64url',
    ],
  ])('%s is not taken', (_, text, why) => {
    expect(readJwt(text)).toMatchObject({ why: expect.stringContaining(why) as string })
  })

  test('of ours is none of an issuer’s', () => {
    expect(looksLikeJwt('sp_0123')).toBe(false)
  })
})

describe('a name twice', () => {
  test('is found at any depth, and nowhere else', () => {
    expect(hasNameTwice('{"a":{"a":1},"b":["a","a",{"a":"a"}]}')).toBe(false)
    expect(hasNameTwice('{"a":"\\"a\\":1","b":"}"}')).toBe(false)
    expect(hasNameTwice('[{"a":1},{"a":1}]')).toBe(false)
    expect(hasNameTwice('{"x":[{"a":1,\n\t"a"\n:2}]}')).toBe(true)
    expect(hasNameTwice('{"__proto__":1,"__proto__":2}')).toBe(true)
  })

  test('is never seen in what was written from an object', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(hasNameTwice(JSON.stringify(JSON.parse(json)))).toBe(false)
      }),
    )
  })

  test('is seen wherever one is put', () => {
    const value = fc.dictionary(fc.string(), fc.json(), { minKeys: 1, maxKeys: 5, noNullPrototype: true })
    fc.assert(
      fc.property(value, fc.constantFrom('', ' ', '\n\t '), fc.nat(), (object, gap, which) => {
        const names = Object.keys(object)
        const again = JSON.stringify(names[which % names.length])
        const json = JSON.stringify(object)
        expect(hasNameTwice(`[${json.slice(0, -1)},${gap}${again}${gap}:0}]`)).toBe(true)
      }),
    )
  })
})
