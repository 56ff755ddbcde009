import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { maxRemoteForwards } from '../limits.ts'
import { joined, passive } from '../testing/joined.ts'
import { message } from '../testing/raw-ssh.ts'
import { Forwarding } from './forwarding.ts'
import type { ChannelHost } from './host.ts'

test('who asks for forwards and wants no answer is asked about no more often at once than forwards may be', async () => {
  const [gateway] = joined()
  let asked = 0
  const host = {
    target: Promise.resolve({}),
    gone: new AbortController().signal,
    authorize: () => (asked++, new Promise(() => undefined)),
    broke: passive.broken,
  } as unknown as ChannelHost
  const forwarding = new Forwarding(gateway, host)
  gateway.listen({ ...passive, request: (request) => void forwarding.request(request) })
  for (let port = 1; port <= 1000; port++)
    gateway.take(message(80, 'tcpip-forward', false, '127.0.0.1', port))
  await setImmediate()
  expect(asked).toBe(maxRemoteForwards)
})
