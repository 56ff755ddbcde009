import { createHmac } from 'node:crypto'
import { Secret } from '@sallyport/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signatureOf } from './signature.ts'

test('a signature is that of RFC 2104 over timestamp and body, as a receiver computes it', () => {
  // Computed with: printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac topsecret
  expect(signatureOf(new Secret('topsecret'), 1_767_225_600, '{"a":1}')).toBe(
    'v1=4fe3c47468405ef2cad64bcbf4ce28b3077d4978f27c8082e5bc2a941bf2e6ac',
  )
})

test('a signature holds for its own secret, time and body alone', () => {
  const text = fc.string({ maxLength: 40 })
  const time = fc.nat(2 ** 31)
  fc.assert(
    fc.property(text, time, text, text, time, text, (secret, at, body, secret2, at2, body2) => {
      const one = signatureOf(new Secret(secret), at, body)
      expect(one).toBe(`v1=${createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')}`)
      const isSame = at === at2 && body === body2
      expect(signatureOf(new Secret(secret), at2, body2) === one).toBe(isSame)
      expect(signatureOf(new Secret(`${secret2}!`), at, body) === one).toBe(secret === `${secret2}!`)
    }),
  )
})
