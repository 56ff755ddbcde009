import type { Webhook } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { openStore, type Store } from '@sallyport/store'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { maxAttempts } from './backoff.ts'
import { Deliverer, type Attempted } from './deliverer.ts'
import { DeliveryProblem } from './delivery-problem.ts'
import type { Notice } from './forms.ts'
import type { Send } from './sender.ts'

const clock = new FakeClock()
let store: Store
let attempts: Attempted[]
let troubles: unknown[]

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  store = await openStore({ file: ':memory:', clock })
  attempts = []
  troubles = []
  for (const name of ['a', 'b'])
    await store.write('system', 'declare', (tx) => tx.webhooks.put({ ...webhook, name }))
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  vi.useRealTimers()
})

const webhook: Webhook = {
  name: 'a',
  url: 'https://hooks.example/',
  events: ['session-refused'],
  form: 'json',
  statements: 'shortened',
  allow: { http: false, private: false },
}
const refused = { code: 'denied', count: 1, clientAddress: '10.0.0.9:4', resource: 'orders-db' }

function happen(subject = 'x'): Promise<void> {
  const news = () => ({ about: 'refused', refused }) as const
  return store.write('system', 'tell', (tx) => tx.webhooks.tell({ event: 'session-refused', subject, news }))
}

function deliverer(send: Send): Deliverer {
  return new Deliverer({
    store,
    send,
    clock,
    random: () => 1,
    onAttempt: (attempted) => attempts.push(attempted),
    onTrouble: (error) => troubles.push(error),
  })
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms)
  await vi.advanceTimersByTimeAsync(ms)
}

const results = (name: string) => attempts.filter((one) => one.webhook === name).map(({ result }) => result)
const down = () => Promise.reject(new DeliveryProblem('it answered 503'))

describe('what webhooks are to be told', () => {
  test('is sent at once, to each, and forgotten when it has arrived', async () => {
    const sent: [string, Notice][] = []
    await using _ = deliverer((to, notice) => Promise.resolve(void sent.push([to.name, notice])))
    await happen()
    await vi.waitFor(() => expect(attempts).toHaveLength(2))
    expect(sent.map(([name]) => name).toSorted()).toEqual(['a', 'b'])
    expect(sent[0]?.[1]).toMatchObject({ event: 'session-refused', news: { refused } })
    expect(await store.read.webhooks.backlog(clock.now())).toMatchObject([{ waiting: 0 }, { waiting: 0 }])
  })

  test('is tried again later under the same id, and one that is down holds up no other', async () => {
    const ids: string[] = []
    let isDown = true
    await using _ = deliverer((to, { id }) => {
      if (to.name === 'a') ids.push(id)
      return to.name === 'a' && isDown ? down() : Promise.resolve()
    })
    await happen()
    await vi.waitFor(() => expect(attempts).toHaveLength(2))
    expect(results('b')).toEqual(['delivered'])
    await pass(4_999)
    expect(results('a')).toEqual(['failed'])
    await pass(1)
    await vi.waitFor(() => expect(results('a')).toEqual(['failed', 'failed']))
    isDown = false
    await pass(10_000)
    await vi.waitFor(() => expect(results('a')).toEqual(['failed', 'failed', 'delivered']))
    expect(new Set(ids).size).toBe(1)
  })

  test('is given up after so many attempts, kept, and sent again when somebody says so', async () => {
    let isDown = true
    await using _ = deliverer(({ name }) => (isDown && name === 'a' ? down() : Promise.resolve()))
    await happen()
    for (let tried = 1; tried <= maxAttempts; tried++) {
      await vi.waitFor(() => expect(results('a')).toHaveLength(tried))
      await vi.waitFor(async () => expect(await store.read.webhooks.due(clock.now(), [])).toEqual([]))
      await pass(3_600_000)
    }
    expect(results('a').at(-1)).toBe('dead')
    const [dead] = await store.read.webhooks.failures(10)
    expect(dead).toMatchObject({ webhook: 'a', attempts: maxAttempts, problem: 'it answered 503' })
    isDown = false
    await store.write('system', 'resend', (tx) => tx.webhooks.resend({ id: dead!.id }))
    await vi.waitFor(() => expect(results('a').at(-1)).toBe('delivered'))
    expect(await store.read.webhooks.failures(10)).toEqual([])
  })

  test('is sent by whoever comes after one that ended in the middle of it', async () => {
    let isBegun = false
    const hanging = deliverer((_, _notice, signal) => {
      isBegun = true
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new DeliveryProblem('cut'))),
      )
    })
    await happen()
    await vi.waitFor(() => expect(isBegun).toBe(true))
    await hanging[Symbol.asyncDispose]()
    expect(attempts).toEqual([])
    await using _ = deliverer(() => Promise.resolve())
    await vi.waitFor(() => expect(attempts).toHaveLength(2))
    expect(attempts.map(({ result }) => result)).toEqual(['delivered', 'delivered'])
  })

  test('is not sent over and over where the store cannot take that it has arrived', async () => {
    let sent = 0
    const write = vi.spyOn(store, 'write')
    await using _ = deliverer(({ name }) => Promise.resolve(void (name === 'a' && sent++)))
    await happen()
    await vi.waitFor(() => expect(attempts).toHaveLength(2))
    sent = 0
    await happen()
    write.mockRejectedValue(new Error('full'))
    await vi.waitFor(() => expect(troubles.length).toBeGreaterThan(0))
    await pass(1000)
    expect(sent).toBeLessThanOrEqual(1)
    write.mockRestore()
    await pass(5_000)
    await vi.waitFor(() => expect(results('a')).toEqual(['delivered', 'delivered']))
  })
})
