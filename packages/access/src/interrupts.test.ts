import { randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { KeyedInterrupts } from './interrupts.ts'

describe('an interrupt', () => {
  it('reaches the session that has its key, and no other', () => {
    const interrupts = new KeyedInterrupts()
    const [one, other] = [vi.fn<() => void>(), vi.fn<() => void>()]
    const key = randomBytes(36)
    interrupts.register(key, one)
    interrupts.register(randomBytes(8), other)
    expect(interrupts.fire(Uint8Array.from(key))).toBe(true)
    expect(one).toHaveBeenCalledTimes(1)
    expect(other).not.toHaveBeenCalled()
  })

  it('reaches nobody with a key that is unknown, cut short, or disposed', () => {
    const interrupts = new KeyedInterrupts()
    const fire = vi.fn<() => void>()
    const key = randomBytes(8)
    const registered = interrupts.register(key, fire)
    expect(interrupts.fire(key.subarray(0, 7))).toBe(false)
    expect(interrupts.fire(randomBytes(8))).toBe(false)
    registered[Symbol.dispose]()
    expect(interrupts.fire(key)).toBe(false)
    expect(fire).not.toHaveBeenCalled()
  })

  it('has one session a key', () => {
    const interrupts = new KeyedInterrupts()
    const key = randomBytes(8)
    interrupts.register(key, () => {})
    expect(() => interrupts.register(key, () => {})).toThrow('this key is registered already')
  })
})
