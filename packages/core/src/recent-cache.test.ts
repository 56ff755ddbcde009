import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentCache } from './recent-cache.ts'

test('what was not asked for longest is forgotten first', () => {
  const cache = new RecentCache<string, number>(4)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.set('c', 3)
  cache.get('a')
  cache.set('d', 4)
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual([1, undefined, 3, 4])
})

test('weight counts as well as number', () => {
  const cache = new RecentCache<string, number>(100, 8)
  for (const key of ['a', 'b', 'c', 'd', 'e']) cache.set(key, 1, 2)
  expect(cache.get('a')).toBeUndefined()
  expect(cache.get('e')).toBe(1)
})

test('a value that is set again counts once', () => {
  const cache = new RecentCache<string, number>(100, 8)
  for (let i = 0; i < 20; i++) cache.set('a', i, 2)
  cache.set('b', 1, 2)
  expect([cache.get('a'), cache.get('b')]).toEqual([19, 1])
})

test('what would fill it is not kept', () => {
  const cache = new RecentCache<string, number>(100, 8)
  cache.set('a', 1, 3)
  expect(cache.get('a')).toBeUndefined()
})

test('what was deleted is gone, young or old', () => {
  const cache = new RecentCache<string, number>(4)
  cache.set('a', 1)
  cache.set('b', 2)
  cache.set('c', 3)
  cache.get('a')
  cache.delete('a')
  cache.delete('c')
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([undefined, 2, undefined])
})

test('it never holds more than its bounds, never an old value, and always what was set last', () => {
  const steps = fc.array(
    fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 3 }), fc.constantFrom('set', 'get', 'delete')),
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 12, max: 30 }),
      steps,
      (most, heaviest, taken) => {
        const cache = new RecentCache<number, { weight: number }>(most, heaviest)
        const latest = new Map<number, { weight: number }>()
        for (const [key, weight, step] of taken) {
          if (step === 'get') cache.get(key)
          else latest.delete(key)
          if (step === 'delete') cache.delete(key)
          if (step !== 'set') continue
          const value = { weight }
          cache.set(key, value, weight)
          latest.set(key, value)
          expect(cache.get(key)).toBe(value)
        }
        const found = [...latest].map(([key, value]) => ({ got: cache.get(key), value }))
        const held = found.filter(({ got }) => got !== undefined)
        for (const { got, value } of held) expect(got).toBe(value)
        expect(held.length).toBeLessThanOrEqual(most)
        expect(held.reduce((sum, { value }) => sum + value.weight, 0)).toBeLessThanOrEqual(heaviest)
      },
    ),
  )
})
