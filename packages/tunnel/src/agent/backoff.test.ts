import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retryDelayMs } from './backoff.ts'

test('a delay is between half a second and thirty, and its bound a quarter of the time that the gateway is away', () => {
  expect([0, 4_000, 8_000, 20_000, 120_000, 1e9].map((awayMs) => retryDelayMs(awayMs, () => 1))).toEqual([
    1_000, 1_000, 2_000, 5_000, 30_000, 30_000,
  ])
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (awayMs, random) => {
      const delay = retryDelayMs(awayMs, () => random)
      expect(delay).toBeGreaterThanOrEqual(500)
      expect(delay).toBeLessThanOrEqual(30_000)
    }),
  )
})
