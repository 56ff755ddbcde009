import { describe, expect, test } from 'vitest'
import type { Issuer } from '@sallyport/core'
import { audience, ci, jobClaims } from '../testing/issuer.ts'
import { judge } from './judge.ts'

const now = Date.UTC(2026, 0, 1)
const seconds = now / 1000
const good = { ...jobClaims, iat: seconds, exp: seconds + 300 }
const access: Issuer = { ...ci, tokens: 'access', authorizedParties: ['console'] }

const judged = (
  claims: Readonly<Record<string, unknown>>,
  { issuer = ci, header = {} }: { issuer?: Issuer; header?: Readonly<Record<string, unknown>> } = {},
) => judge(issuer, { header: { alg: 'ES256', typ: 'JWT', ...header }, claims: { ...good, ...claims } }, now)

const why = (...args: Parameters<typeof judged>): string | undefined => {
  const answer = judged(...args)
  return 'why' in answer ? answer.why : undefined
}

describe('a workload’s token', () => {
  test('is taken by the rule that its claims match', () => {
    expect(judged({})).toMatchObject({
      rule: { name: 'main' },
      subject: good.sub,
      expiresAtMs: now + 300_000,
    })
  })

  test.each([
    ['alg none', { alg: 'none' }, 'signed by "none"'],
    ['HMAC', { alg: 'HS256' }, 'signed by "HS256"'],
    ['an algorithm that its issuer does not use', { alg: 'PS512' }, 'signed by "PS512"'],
    ['no algorithm', { alg: undefined }, 'signed by nothing'],
    ['extensions', { crit: ['b64'], b64: false }, 'extensions'],
    ['the type of an access token', { typ: 'at+jwt' }, 'its typ is "at+jwt"'],
    ['the type of a logout token', { typ: 'logout+jwt' }, 'its typ is "logout+jwt"'],
  ])('with %s in its header is not', (_, header, words) => {
    expect(why({}, { header })).toContain(words)
  })

  test.each([
    ['no audience', { aud: undefined }, 'names no audience'],
    [
      'the audience of another',
      { aud: 'https://other.example' },
      'another audience: "https://other.example"',
    ],
    ['an audience that begins as ours', { aud: `${audience}/x` }, 'another audience'],
    ['an audience that is no text', { aud: [audience, 7] }, 'another audience'],
    ['an audience of objects', { aud: { [audience]: true } }, 'another audience'],
    ['no subject', { sub: undefined }, 'no subject'],
    ['a subject without end', { sub: 'x'.repeat(256) }, 'too long'],
    ['no end', { exp: undefined }, 'until when'],
    ['no beginning', { iat: undefined }, 'when it was issued'],
    ['an end that is a text', { exp: String(seconds + 300) }, 'until when'],
    ['an end that is no number', { exp: Number.POSITIVE_INFINITY }, 'until when'],
    ['a past end', { exp: seconds }, 'expired'],
    ['a beginning to come', { iat: seconds + 61, exp: seconds + 300 }, 'not valid yet'],
    ['a time before which it is not good', { nbf: seconds + 61 }, 'not valid yet'],
    ['a time that is a text', { nbf: 'soon' }, 'when it was issued'],
    ['more life than its issuer gives', { exp: seconds + 3601 }, 'longer than 3600 s'],
    ['claims that no rule matches', { ref: 'refs/heads/evil' }, 'no rule'],
    ['a claim of another type', { ref: ['refs/heads/other', 7] }, 'no rule'],
    ['the nonce of a sign-in', { nonce: 'x' }, 'ID token'],
    ['what marks an ID token', { token_use: 'id' }, 'ID token'],
  ])('with %s is not', (_, claims, words) => {
    expect(why(claims)).toContain(words)
  })

  test('of a clock that is up to a minute ahead is taken', () => {
    expect(why({ iat: seconds + 60, nbf: seconds + 60 })).toBeUndefined()
  })

  test('whose reason is shown in a log cannot break its line, or go on for ever', () => {
    expect(why({ aud: `x\n\u{202e}${'y'.repeat(1000)}` })).toMatch(/^[^\n\u{202e}]{1,200}$/u)
  })
})

describe('G312: a token made for another client of the same provider', () => {
  test('is not taken, whatever else is in its audience', () => {
    expect(why({ aud: 'another-client' })).toContain('another audience')
    expect(why({ aud: [audience, 'another-client'], azp: 'another-client' })).toContain(
      'azp is "another-client"',
    )
    expect(why({ azp: 'another-client' })).toContain('another client')
    expect(why({ client_id: 'another-client' })).toContain('client_id is "another-client"')
    expect(why({ azp: audience, client_id: 'another-client' })).toContain('client_id is "another-client"')
    expect(why({ azp: [audience] })).toContain('another client')
    expect(why({ aud: [audience, 'another-client'] })).toContain('several audiences')
  })

  test('is not taken where it does not say for whom, and one is asked for', () => {
    const issuer = { ...ci, authorizedParties: ['console'] }
    expect(why({}, { issuer })).toContain('does not say for which client')
    expect(why({ azp: audience }, { issuer })).toContain('another client')
    expect(why({ azp: 'console' }, { issuer })).toBeUndefined()
  })

  test('is taken where that client is ours', () => {
    expect(why({ aud: [audience, 'x'], azp: audience })).toBeUndefined()
  })
})

describe('G313: where access tokens are asked for', () => {
  const at = { header: { typ: 'at+jwt' }, issuer: access }
  test('an access token is taken', () => {
    expect(why({ client_id: 'console' }, at)).toBeUndefined()
    expect(why({ client_id: 'console' }, { ...at, header: { typ: 'application/AT+JWT' } })).toBeUndefined()
    expect(why({ client_id: 'console', token_use: 'access' }, { issuer: access })).toBeUndefined()
  })

  test('an ID token is not, whatever it calls itself', () => {
    expect(why({ client_id: 'console' }, { issuer: access })).toContain('its typ is "JWT"')
    expect(why({ azp: 'console', nonce: 'x' }, at)).toContain('ID token')
    expect(why({ azp: 'console', at_hash: 'x' }, at)).toContain('ID token')
    expect(why({ client_id: 'console', token_use: 'id' }, at)).toContain('ID token')
    expect(why({ azp: 'console', typ: 'ID' }, at)).toContain('ID token')
  })
})

describe('rules', () => {
  const by = (match: Issuer['rules'][number]['match'], claims: Readonly<Record<string, unknown>>): boolean =>
    !('why' in judged(claims, { issuer: { ...ci, rules: [{ name: 'r', match, is: 'person', groups: [] }] } }))

  test('match any of several values, beginnings, elements of lists, and what stands further down', () => {
    expect(by({ ref: ['a', 'b'] }, { ref: 'b' })).toBe(true)
    expect(by({ ref: { startsWith: 'refs/tags/v' } }, { ref: 'refs/tags/v1' })).toBe(true)
    expect(by({ ref: { startsWith: 'refs/tags/v' } }, { ref: 'x/refs/tags/v1' })).toBe(false)
    expect(by({ roles: 'dba' }, { roles: ['dev', 'dba'] })).toBe(true)
    expect(by({ '/realm_access/roles': 'dba' }, { realm_access: { roles: ['dba'] } })).toBe(true)
    expect(by({ '/kubernetes.io/a~1b': 1 }, { 'kubernetes.io': { 'a/b': 1 } })).toBe(true)
    expect(by({ email_verified: true }, { email_verified: 'true' })).toBe(false)
  })

  test('match nothing that a token only inherits', () => {
    expect(by({ constructor: ['x'] }, {})).toBe(false)
    expect(by({ '/a/length': 1 }, { a: ['x'] })).toBe(false)
    expect(by({ missing: ['x'] }, {})).toBe(false)
  })
})
