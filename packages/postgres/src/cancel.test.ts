import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { mintCancelKey } from './cancel.ts'

const targets = Buffer.from([0, 0, 0x12, 0x34, 1, 2, 3, 4])
const secretOf = (key: Buffer): Buffer => key.subarray(4)

test.each([
  [0, 4],
  [1, 4],
  [2, 32],
])(
  'a client of protocol 3.%i gets the process id of the target, and %i secret bytes of ours',
  (minor, bytes) => {
    const keys = Array.from({ length: 100 }, () => mintCancelKey(minor, targets))
    for (const key of keys) {
      expect(key.readInt32BE(0)).toBe(0x1234)
      expect(secretOf(key)).toHaveLength(bytes)
      expect(key.includes(secretOf(targets))).toBe(false)
    }
    expect(new Set(keys.map((key) => secretOf(key).toString('hex'))).size).toBe(100)
  },
)

test('where the target gives no key, or one without a secret, the process id is made up', () => {
  for (const none of [undefined, randomBytes(0), Buffer.from([0, 0, 0x12, 0x34])]) {
    const ids = Array.from({ length: 20 }, () => mintCancelKey(0, none).readInt32BE(0))
    expect(ids.every((id) => id >= 0)).toBe(true)
    expect(new Set(ids).size).toBeGreaterThan(15)
  }
})
