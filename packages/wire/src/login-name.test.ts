import { describe, expect, test } from 'vitest'
import { readLoginName } from './login-name.ts'

describe('the name that a client logs in with', () => {
  test.each([
    ['orders-db', { resource: 'orders-db' }],
    ['orders-db+app_ro', { resource: 'orders-db', account: 'app_ro' }],
    ['a%2Bb+c%25d', { resource: 'a+b', account: 'c%d' }],
    ['alice@prod', { resource: 'alice@prod' }],
    ['alice:prod#1', { resource: 'alice:prod#1' }],
  ])('%s', (user, expected) => {
    expect(readLoginName(user)).toEqual(expected)
  })

  test.each(['', '+a', 'a+', 'a+b+c', 'a\nb', 'a\x00', 'x'.repeat(256)])('%j is refused', (user) => {
    expect(() => readLoginName(user)).toThrow(expect.objectContaining({ code: 'client/malformed' }))
  })
})
