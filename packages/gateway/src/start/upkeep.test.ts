import { FakeClock } from '@sallyport/core/testing'
import { openStore } from '@sallyport/store'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepUp } from './upkeep.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

test('requests that nobody answered are ended every minute, whatever one of those minutes brought, until it is disposed', async () => {
  const clock = new FakeClock()
  await using store = await openStore({ file: ':memory:', clock })
  const expireOverdue = vi.fn<() => Promise<number>>(() => Promise.resolve(0))
  const askAnew = vi.fn<() => Promise<number>>(() => Promise.resolve(0))
  const broken = new Error('no room')
  expireOverdue.mockRejectedValueOnce(broken)
  const troubles: unknown[] = []
  const reviews = { closeLost: () => Promise.resolve(0) }
  const parts = { store, clock, reviews, accessRequests: { expireOverdue, askAnew }, checks: [] }
  const upkeep = keepUp(parts, (error) => troubles.push(error))
  await vi.advanceTimersByTimeAsync(180_000)
  expect(expireOverdue).toHaveBeenCalledTimes(3)
  expect(askAnew).toHaveBeenCalledTimes(3)
  expect(troubles).toEqual([broken])
  upkeep[Symbol.dispose]()
  await vi.advanceTimersByTimeAsync(180_000)
  expect(expireOverdue).toHaveBeenCalledTimes(3)
})
