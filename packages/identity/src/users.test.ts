import { describe, expect, test } from 'vitest'
import { isUserName } from './users.ts'

describe('a user', () => {
  test.each(['alice', 'a', 'a.b-c_d', '0', 'x'.repeat(63)])('may be called %s', (name) => {
    expect(isUserName(name)).toBe(true)
  })

  test.each(['', 'Alice', '-a', 'a-', 'a b', 'a/b', 'ä', 'x'.repeat(64), 'a\n', 'user:a'])(
    'may not be called %j',
    (name) => {
      expect(isUserName(name)).toBe(false)
    },
  )
})
