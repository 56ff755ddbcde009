import { duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import { Secret, systemClock } from '@sallyport/core'
import { alice, FakeSession, postgresResource } from '@sallyport/core/testing'
import type { SshOptions } from '../options.ts'
import { reachTarget } from './upstream.ts'

test('a credential that is for verified TLS alone is not tried over SSH', async () => {
  const [near] = duplexPair()
  const credential = { user: 'app', password: new Secret('token'), isForVerifiedTlsOnly: true } as const
  const resource = postgresResource({ hostKeys: [] } as unknown as SshOptions)
  const session = new FakeSession(alice, resource, 'app', { dial: () => Promise.resolve(near), credential })
  await expect(reachTarget(session, systemClock, AbortSignal.timeout(5000))).rejects.toMatchObject({
    code: 'gateway/no-credential',
  })
  expect(near.destroyed).toBe(true)
})
