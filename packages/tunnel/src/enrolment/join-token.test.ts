import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatJoinToken, newJoinSecret, parseJoinToken } from './join-token.ts'

const authorityFingerprint = randomBytes(32).toString('base64url')

test('a token read back is the token that was written', () => {
  const secret = newJoinSecret()
  const read = parseJoinToken(` ${formatJoinToken({ secret, authorityFingerprint }).reveal()}\n`)
  expect(read?.secret.reveal()).toBe(secret.reveal())
  expect(read?.authorityFingerprint).toBe(authorityFingerprint)
})

test('a token does not print', () => {
  expect(String(formatJoinToken({ secret: newJoinSecret(), authorityFingerprint }))).toBe('[redacted]')
})

test('a token that was cut, or anything else, is none', () => {
  const whole = formatJoinToken({ secret: newJoinSecret(), authorityFingerprint }).reveal()
  const isNone = (text: string): void => {
    expect(parseJoinToken(text)).toBeUndefined()
  }
  fc.assert(fc.property(fc.nat({ max: whole.length - 1 }), (at) => isNone(whole.slice(0, at))))
  fc.assert(fc.property(fc.string(), isNone))
})
