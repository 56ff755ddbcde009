import { duplexPair } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { Fault, systemClock } from '@sallyport/core'
import { alice, fakeGate, FakeSession, postgresResource } from '@sallyport/core/testing'
import { expect, test } from 'vitest'
import { encodePassword } from './codec/frontend.ts'
import { encodeStartup } from './codec/startup.ts'
import type { PostgresOptions } from './options.ts'
import { postgres } from './protocol.ts'
import { scriptedTarget } from './testing/scripted-target.ts'

test('where a session cannot begin after all, its connection to the target is closed, and its end says why', async () => {
  await using protocol = postgres({ clock: systemClock, maskKey: new Uint8Array(32) })
  const lost = new Fault('gateway/agent-lost', 'the agent that carried this connection is gone')
  // It logs in, but what else must be known of it cannot be asked.
  const target = scriptedTarget(() => lost)
  const options: PostgresOptions = { tls: { mode: 'disable' } }
  const resource = postgresResource(options)
  const session = new FakeSession(alice, resource, 'app', { dial: target.dial, credential: { user: 'app' } })
  const [near, client] = duplexPair()
  const connection = { stream: near, address: '127.0.0.1:1', loopback: true, tls: createSecureContext() }
  client.resume()
  client.write(encodeStartup({ user: 'orders-db', database: 'shop' }))
  client.once('data', () => client.write(encodePassword('sp_x')))
  const served = protocol.serve(
    connection,
    fakeGate(() => session),
    new AbortController().signal,
  )
  expect(await served.catch((thrown: Fault) => thrown.code)).toBe('gateway/agent-lost')
  expect(session.endedAs).toBe('gateway/agent-lost')
  expect(target.dialled.map(({ destroyed }) => destroyed)).toEqual([true, true, true])
})
