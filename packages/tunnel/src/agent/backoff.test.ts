import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retryDelayMs } from './backoff.ts'

test('a delay is between half a second and thirty, and its bound doubles', () => {
  expect([0, 1, 2, 5, 6, 1_000].map((tries) => retryDelayMs(tries, () => 1))).toEqual([
    1_000, 2_000, 4_000, 30_000, 30_000, 30_000,
  ])
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (tries, random) => {
      const delay = retryDelayMs(tries, () => random)
      expect(delay).toBeGreaterThanOrEqual(500)
      expect(delay).toBeLessThanOrEqual(30_000)
    }),
  )
})
