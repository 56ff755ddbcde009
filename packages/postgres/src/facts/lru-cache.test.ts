import { describe, expect, it } from 'vitest'
import { LruCache } from './lru-cache.ts'

describe('a cache of limited size', () => {
  it('lets go of what was not used for longest', () => {
    const cache = new LruCache<number>(2, 100)
    cache.set('a', 1, 1)
    cache.set('b', 2, 1)
    cache.get('a')
    cache.set('c', 3, 1)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3])
  })

  it('counts size as well as number', () => {
    const cache = new LruCache<number>(100, 8)
    for (const key of ['a', 'b', 'c', 'd', 'e']) cache.set(key, 1, 2)
    expect(cache.get('a')).toBeUndefined()
    expect(cache.get('e')).toBe(1)
  })

  it('counts a value that is set again once', () => {
    const cache = new LruCache<number>(100, 8)
    for (let i = 0; i < 20; i++) cache.set('a', i, 2)
    cache.set('b', 1, 2)
    expect([cache.get('a'), cache.get('b')]).toEqual([19, 1])
  })

  it('does not keep what would fill it', () => {
    const cache = new LruCache<number>(100, 8)
    cache.set('a', 1, 3)
    expect(cache.get('a')).toBeUndefined()
  })
})
