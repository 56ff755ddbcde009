import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeAttach, judgeRenewal, type KeyState } from './keys.ts'

const fresh: KeyState = { generation: 1, current: 'k1' }
const renewing: KeyState = { ...fresh, next: 'k2' }

test('the current key attaches and changes nothing', () => {
  expect(judgeAttach(fresh, 'k1')).toEqual({ kind: 'same' })
  expect(judgeAttach(renewing, 'k1')).toEqual({ kind: 'same' })
})

test('the next key becomes the current one when it is first seen', () => {
  expect(judgeAttach(renewing, 'k2')).toEqual({ kind: 'advance', to: { generation: 2, current: 'k2' } })
  expect(judgeRenewal(renewing, 'k2', 'k3')).toEqual({
    kind: 'advance',
    to: { generation: 2, current: 'k2', next: 'k3' },
  })
})

test('a renewal whose answer was lost may be repeated with the same key only', () => {
  expect(judgeRenewal(renewing, 'k1', 'k2')).toEqual({ kind: 'same' })
  expect(judgeRenewal(renewing, 'k1', 'other')).toEqual({ kind: 'cloned' })
})

test('a replaced key tells of a copy, whatever is asked with it', () => {
  const after: KeyState = { generation: 2, current: 'k2' }
  expect(judgeAttach(after, 'k1')).toEqual({ kind: 'cloned' })
  expect(judgeRenewal(after, 'k1', 'k3')).toEqual({ kind: 'cloned' })
})

/** An agent as it should behave, with a network that loses answers: the key is stored before it is asked for. */
test('an honest agent is never taken for a clone, whatever answers are lost', () => {
  const step = fc.record({ act: fc.constantFrom('attach', 'renew'), isLost: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let keys: KeyState = { generation: 1, current: 'k0' }
      let held = 'k0'
      let wanted: string | undefined
      let made = 0
      for (const { act, isLost } of steps) {
        if (act === 'renew') wanted ??= `k${++made}`
        const verdict = act === 'renew' ? judgeRenewal(keys, held, wanted ?? '') : judgeAttach(keys, held)
        expect(verdict.kind).not.toBe('cloned')
        if (verdict.kind === 'advance') keys = verdict.to
        if (act === 'renew' && !isLost && wanted !== undefined) {
          held = wanted
          wanted = undefined
        }
      }
    }),
  )
})

test('whoever copied a key is found when both have renewed and one of them attached', () => {
  const afterThief = judgeRenewal(fresh, 'k1', 'thief')
  if (afterThief.kind !== 'advance') throw new Error('expected the first renewal to pass')
  expect(judgeRenewal(afterThief.to, 'k1', 'honest')).toEqual({ kind: 'cloned' })
  const attached = judgeAttach(afterThief.to, 'thief')
  if (attached.kind !== 'advance') throw new Error('expected the thief to attach')
  expect(judgeAttach(attached.to, 'k1')).toEqual({ kind: 'cloned' })
})
