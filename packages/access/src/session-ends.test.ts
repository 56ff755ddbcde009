import { Fault, type SessionId } from '@sallyport/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SessionEnds } from './session-ends.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const end = {
  endedAt: 1_000,
  reason: 'client-left',
  operations: 1,
  bytesUp: 2,
  bytesDown: 3,
  recording: 'interrupted',
} as const

/** Takes nothing at first. */
class FullStore {
  isFull = true
  readonly noted: string[] = []

  sessionEnded(id: string): Promise<boolean> {
    if (this.isFull) return Promise.reject(new Fault('gateway/store-unavailable', 'full'))
    this.noted.push(id)
    return Promise.resolve(true)
  }
}

test('an end that the store could not take is noted once it can', async () => {
  const store = new FullStore()
  await using ends = new SessionEnds(store)
  await expect(ends.note('ses_1' as SessionId, end)).rejects.toThrow('full')
  await expect(ends.note('ses_2' as SessionId, end)).rejects.toThrow('full')
  await vi.advanceTimersByTimeAsync(12_000)
  expect(store.noted).toEqual([])
  store.isFull = false
  await vi.advanceTimersByTimeAsync(5_000)
  expect(store.noted).toEqual(['ses_1', 'ses_2'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(store.noted).toHaveLength(2)
})

test('an end that the store could not take is noted at the latest when the gateway stops', async () => {
  const store = new FullStore()
  {
    await using ends = new SessionEnds(store)
    await expect(ends.note('ses_1' as SessionId, end)).rejects.toThrow('full')
    store.isFull = false
  }
  expect(store.noted).toEqual(['ses_1'])
})
