import { getEventListeners } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Fault } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { Deadline } from './deadline.ts'

const late = (): Fault => new Fault('client/too-slow', 'too slow')
const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

describe('a deadline', () => {
  test('falls by its own fault when the time is up', async () => {
    using deadline = new Deadline(10, late, new AbortController().signal)
    expect(deadline.signal.aborted).toBe(false)
    await new Promise((resolve) => deadline.signal.addEventListener('abort', resolve))
    expect(deadline.signal.reason).toMatchObject({ code: 'client/too-slow' })
    expect(deadline.isLate).toBe(true)
  })

  test('falls sooner with any of the others, for that one’s reason, also where it has fallen already', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    using deadline = new Deadline(60_000, late, one.signal, other.signal)
    other.abort(new Error('the other'))
    expect(deadline.signal.reason).toMatchObject({ message: 'the other' })
    expect(deadline.isLate).toBe(false)
    one.abort(new Error('the one'))
    expect(deadline.signal.reason).toMatchObject({ message: 'the other' })
    using next = new Deadline(60_000, late, deadline.signal)
    expect(next.signal.reason).toMatchObject({ message: 'the other' })
  })

  test('leaves no timer and no listener behind where it was kept or fell, and never falls after', async () => {
    const before = timers()
    const sooner = new AbortController()
    const kept = new Deadline(5, late, sooner.signal)
    expect(timers()).toBe(before + 1)
    kept[Symbol.dispose]()
    expect(timers()).toBe(before)
    expect(getEventListeners(sooner.signal, 'abort')).toEqual([])
    await setTimeout(20)
    const fallen = new Deadline(60_000, late, sooner.signal)
    sooner.abort(new Error('gone'))
    expect(getEventListeners(sooner.signal, 'abort')).toEqual([])
    expect([kept.signal.aborted, fallen.signal.aborted]).toEqual([false, true])
    expect(timers()).toBe(before)
  })
})
