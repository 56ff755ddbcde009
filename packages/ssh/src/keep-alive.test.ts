import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SshConnection } from './connection/connection.ts'
import { message } from './connection/messages.ts'
import { keepAlive } from './keep-alive.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** @param hears whether the peer answers what it is asked */
function connection(hears: () => boolean): { readonly ssh: SshConnection; readonly asked: () => number } {
  let asked = 0
  const ssh: SshConnection = new SshConnection({
    isFull: false,
    send: () => {
      asked++
      if (hears()) queueMicrotask(() => ssh.take(Buffer.from([message.requestFailure])))
    },
  })
  ssh.listen({ open: () => {}, request: () => {}, broken: () => {}, over: () => {} })
  return { ssh, asked: () => asked }
}

test('a peer that answers is asked every 15 s, and never given up', async () => {
  const { ssh, asked } = connection(() => true)
  const onDead = vi.fn<() => void>()
  using _alive = keepAlive(ssh, onDead)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(asked()).toBe(240)
  expect(onDead).not.toHaveBeenCalled()
})

test('a peer that answers no more is given up after three questions, once', async () => {
  let hears = true
  const { ssh } = connection(() => hears)
  const onDead = vi.fn<() => void>()
  using _alive = keepAlive(ssh, onDead)
  await vi.advanceTimersByTimeAsync(60_000)
  hears = false
  await vi.advanceTimersByTimeAsync(45_000)
  expect(onDead).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(onDead).toHaveBeenCalledOnce()
})
