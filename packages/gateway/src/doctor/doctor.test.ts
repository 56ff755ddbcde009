import { Fault } from '@sallyport/core'
import { expect, test } from 'vitest'
import { bad, examine, good } from './doctor.ts'

test('what is good, what is bad, what throws, and what never answers, in the order asked', async () => {
  let wasToldToStop = false
  const found = await examine(
    [
      {
        name: 'slow',
        look: (signal) => new Promise(() => signal.addEventListener('abort', () => (wasToldToStop = true))),
      },
      { name: 'good', look: () => Promise.resolve(good('as it should be')) },
      { name: 'bad', look: () => Promise.resolve(bad('broken', 'mend it')) },
      { name: 'fault', look: () => Promise.reject(new Fault('target/unreachable', 'nobody there')) },
      { name: 'bug', look: () => Promise.reject(new Error('with a secret')) },
    ],
    50,
  )
  expect(found).toEqual([
    { name: 'slow', state: 'bad', detail: 'no answer in time' },
    { name: 'good', state: 'good', detail: 'as it should be' },
    { name: 'bad', state: 'bad', detail: 'broken', next: 'mend it' },
    { name: 'fault', state: 'bad', detail: 'nobody there' },
    { name: 'bug', state: 'bad', detail: 'it failed; see the log' },
  ])
  expect(wasToldToStop).toBe(true)
})
