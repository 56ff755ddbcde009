import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyedHash, keyedHex } from './keyed-hash.ts'

test('is HMAC-SHA256 of texts and bytes of any length', () => {
  const hmac = (key: Uint8Array, message: string | Uint8Array) => createHmac('sha256', key).update(message)
  const message = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 200 }))
  const found = fc.check(
    fc.property(fc.uint8Array({ maxLength: 64 }), message, (key, it) =>
      keyedHash(key, it).equals(hmac(key, it).digest()),
    ),
  )
  expect(found.counterexample).toBe(null)
  const key = Buffer.alloc(32, 7)
  for (const length of [0, 1, 63, 64, 4095, 4096, 4097, 100_000]) {
    const text = 'ü'.repeat(length / 2) + 'x'.repeat(length % 2)
    expect(keyedHex(key, text)).toBe(hmac(key, text).digest('hex'))
    expect(keyedHash(key, Buffer.from(text))).toEqual(hmac(key, text).digest())
  }
  expect(() => keyedHash(Buffer.alloc(65), '')).toThrow(RangeError)
})
