import { setImmediate } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { expect, test } from 'vitest'
import { EngineSource } from './engine.ts'

test(
  'a grammar that is much used is not compiled again, which takes 600 MB',
  { timeout: 30_000 },
  async () => {
    const engine = await new EngineSource().start()
    let mostBytes = 0
    for (const end = performance.now() + 2_000; performance.now() < end; await setImmediate()) {
      for (let i = 0; i < 200; i++) engine.parse('UPDATE t SET a = a + 1 WHERE id IN (1, 2, 3)')
      mostBytes = Math.max(mostBytes, getHeapStatistics().malloced_memory)
    }
    expect(mostBytes).toBeLessThan(100_000_000)
  },
)
