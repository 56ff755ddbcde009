import { expect, test } from 'vitest'
import { Slots } from './slots.ts'

test('an owner keeps its slot, and prepares once', () => {
  const slots = new Slots(2)
  const owner = {}
  let prepared = 0
  const first = slots.claim(owner, () => void prepared++)
  expect(slots.claim(owner, () => void prepared++)).toBe(first)
  expect(prepared).toBe(1)
})

test('the owner that asked least recently loses its slot, and prepares again when it next asks', () => {
  const slots = new Slots(2)
  const [a, b, c] = [{}, {}, {}]
  const slotOfA = slots.claim(a, () => undefined)
  const slotOfB = slots.claim(b, () => undefined)
  slots.claim(a, () => undefined)
  expect(slots.claim(c, () => undefined)).toBe(slotOfB)
  let preparedAgain = ''
  slots.claim(b, (name) => void (preparedAgain = name))
  expect(preparedAgain).toBe(slotOfA)
})

test('a slot whose preparation fails is free again', () => {
  const slots = new Slots(1)
  expect(() =>
    slots.claim({}, () => {
      throw new TypeError('bad policy')
    }),
  ).toThrow('bad policy')
  expect(slots.claim({}, () => undefined)).toBe('slot-0')
})
