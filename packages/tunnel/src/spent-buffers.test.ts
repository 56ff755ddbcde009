import { expect, test } from 'vitest'
import { SpentBuffers } from './spent-buffers.ts'

test('buffers that went by are handed back long before V8 would look for them', () => {
  const spent = new SpentBuffers(8_000_000)
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let read = 0; read < 4_000; read++) {
    spent.add(Buffer.allocUnsafeSlow(64 * 1024).length)
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  // V8 by itself lets 96 MB of them gather.
  expect(most).toBeLessThan(48_000_000)
})
