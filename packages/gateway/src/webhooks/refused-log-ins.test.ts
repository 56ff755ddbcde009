import type { WebhookNews } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { openStore, type Store } from '@sallyport/store'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RefusedLogIns } from './refused-log-ins.ts'

const clock = new FakeClock()
let store: Store
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  store = await openStore({ file: ':memory:', clock })
  await store.write('system', 'declare', (tx) =>
    tx.webhooks.put({
      name: 'ops',
      url: 'https://hooks.example/',
      events: ['session-refused'],
      form: 'json',
      statements: 'shortened',
      allow: { http: false, private: false },
    }),
  )
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  vi.useRealTimers()
})

/** All that waits, oldest first. */
async function told(): Promise<readonly WebhookNews[]> {
  const all: WebhookNews[] = []
  for (;;) {
    const [next] = await store.read.webhooks.due(clock.now(), [])
    if (next === undefined) return all
    all.push(next.news)
    await store.write('system', 'deliver', (tx) => tx.webhooks.delivered(next.id))
  }
}

test('a flood of refused log-ins is two messages: the first at once, the others together a minute later', async () => {
  const troubles: unknown[] = []
  using refused = new RefusedLogIns(store, (error) => troubles.push(error))
  const take = (resource: string): void =>
    refused.take({ kind: 'log-in-refused', code: 'no-such-access', clientAddress: '10.0.0.9:1', resource })
  take('x'.repeat(500))
  for (let i = 0; i < 1000; i++) take('orders-db')
  await vi.waitFor(async () =>
    expect(await store.read.webhooks.backlog(clock.now())).toMatchObject([{ waiting: 1 }]),
  )
  expect(await told()).toEqual([
    {
      about: 'refused',
      refused: {
        code: 'no-such-access',
        count: 1,
        clientAddress: '10.0.0.9:1',
        resource: `${'x'.repeat(100)}…`,
      },
    },
  ])
  await vi.advanceTimersByTimeAsync(60_000)
  await vi.waitFor(async () =>
    expect(await store.read.webhooks.backlog(clock.now())).toMatchObject([{ waiting: 1 }]),
  )
  expect(await told()).toMatchObject([{ refused: { count: 1000, resource: 'orders-db' } }])
  await vi.advanceTimersByTimeAsync(120_000)
  expect(await told()).toEqual([])
  expect(troubles).toEqual([])
})
