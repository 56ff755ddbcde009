import { expect, test } from 'vitest'
import { SpareBuffers } from './spare-buffers.ts'

test('what was given back is used again, for what fits into it', () => {
  const spares = new SpareBuffers()
  const small = spares.take(700)
  const large = spares.take(3000)
  expect([small.length, large.length]).toEqual([1024, 4096])
  spares.giveBack(small)
  spares.giveBack(large)
  expect(spares.take(2049)).toBe(large)
  expect(spares.take(1024)).toBe(small)
  expect(spares.take(1024)).not.toBe(small)
})

test('it keeps 4 MiB of a size, and none of what is larger than any', () => {
  const spares = new SpareBuffers()
  const taken = Array.from({ length: 20 }, () => spares.take(512 * 1024))
  for (const buffer of taken) spares.giveBack(buffer)
  expect(taken.filter((buffer) => taken.includes(spares.take(buffer.length)))).toHaveLength(8)
  const huge = spares.take(600_000)
  spares.giveBack(huge)
  expect(spares.take(600_000)).not.toBe(huge)
})
