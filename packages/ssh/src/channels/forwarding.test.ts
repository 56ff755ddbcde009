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

test('what the target sends back is let through for what was asked for, and for as long as policy permits that', async () => {
  const [client, gateway] = joined()
  const [toTarget, target] = joined()
  let stands = true
  const host = {
    target: Promise.resolve({ ssh: toTarget }),
    gone: new AbortController().signal,
    authorize: () => ({ kind: 'permit', id: 1, obligations: {} }),
    stands: () => stands,
    commit: () => undefined,
    finish: () => undefined,
    broke: passive.broken,
  } as unknown as ChannelHost
  const forwarding = new Forwarding(gateway, host)
  client.listen({ ...passive, open: ({ accept }) => accept().listen({}) })
  gateway.listen({ ...passive, request: (request) => void forwarding.request(request) })
  toTarget.listen({ ...passive, open: (request) => forwarding.openedByTarget(request) })
  target.listen({ ...passive, request: ({ reply }) => reply([]) })
  expect(await client.ask('tcpip-forward', ['127.0.0.1', 8080])).toBeDefined()
  const comeBack = (type: string, ...place: (string | number)[]) =>
    target.open(type, [...place, '192.0.2.1', 1]).then(
      () => 'let through',
      () => 'refused',
    )
  expect(await comeBack('forwarded-tcpip', '127.0.0.1', 8080)).toBe('let through')
  expect(await comeBack('forwarded-tcpip', '127.0.0.1', 8081)).toBe('refused')
  expect(await comeBack('forwarded-streamlocal@openssh.com', '/run/x')).toBe('refused')
  stands = false
  expect(await comeBack('forwarded-tcpip', '127.0.0.1', 8080)).toBe('refused')
})
