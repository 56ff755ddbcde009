import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maxAttempts, waitMs } from './backoff.ts'

test('the wait doubles from 5 s to an hour, of which it is between half and all', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: maxAttempts }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempts, random) => {
        const most = Math.min(5_000 * 2 ** (attempts - 1), 3_600_000)
        const wait = waitMs(attempts, random)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(most / 2))
        expect(wait).toBeLessThanOrEqual(most)
      },
    ),
  )
})

test('all attempts together take two to five hours', () => {
  const total = (random: number): number =>
    Array.from({ length: maxAttempts - 1 }, (_, i) => waitMs(i + 1, random)).reduce((sum, ms) => sum + ms, 0)
  expect(total(0) / 3_600_000).toBeGreaterThan(2)
  expect(total(1) / 3_600_000).toBeLessThan(5)
})

test('a receiver that asks for more time gets it, up to an hour', () => {
  expect(waitMs(1, 0, 60_000)).toBe(60_000)
  expect(waitMs(1, 0, 90_000_000)).toBe(3_600_000)
  expect(waitMs(14, 1, 1)).toBe(3_600_000)
})
