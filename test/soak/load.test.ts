import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Ground } from './ground.ts'
import { Load } from './load.ts'
import type { Visit } from './visits/visit.ts'

test('who answers stays until nobody waits for an answer', async () => {
  const waiting: (() => void)[] = []
  const asker: Visit = {
    name: 'asker',
    everyMs: 2,
    atOnce: 50,
    run: () => new Promise<void>((answered) => void waiting.push(answered)),
  }
  const answerer: Visit = {
    name: 'answerer',
    everyMs: 30,
    atOnce: 1,
    staysToTheEnd: true,
    run() {
      for (const answered of waiting.splice(0)) answered()
      return Promise.resolve()
    },
  }
  const load = new Load({} as Ground, [asker, answerer], {
    factor: 1,
    restartEveryMs: 60_000,
    random: () => 0.5,
    now: () => performance.now(),
  })
  const end = new AbortController()
  const running = load.run(end.signal)
  await sleep(100)
  // Between two answers: somebody waits now.
  while (waiting.length === 0) await sleep(1)
  end.abort()
  await running
  expect(waiting.length).toBe(0)
  expect(load.unexpected).toEqual([])
  expect(load.tallies.every(({ came, ended }) => came > 0 && came === ended)).toBe(true)
})
