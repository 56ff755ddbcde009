import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lru } from './lru.ts'

test('the entry that was not asked for the longest is forgotten first', () => {
  const lru = new Lru<string, number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  lru.get('a')
  lru.set('c', 3)
  expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3])
})

test('it never holds more than its capacity, and always what was set last', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.tuple(fc.nat(9), fc.nat())),
      (capacity, entries) => {
        const lru = new Lru<number, number>(capacity)
        for (const [key, value] of entries) {
          lru.set(key, value)
          expect(lru.get(key)).toBe(value)
          expect(lru.size).toBeLessThanOrEqual(capacity)
        }
      },
    ),
  )
})
