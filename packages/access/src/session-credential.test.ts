import { Fault, type CredentialRequest } from '@sallyport/core'
import { describe, expect, it, vi } from 'vitest'
import { startWorld } from '../test/world.ts'
import type { FindCredential } from './live-session.ts'

describe('the credential of a session', () => {
  it('is fetched for each log-in where nothing is to be undone after it', async () => {
    const asked: CredentialRequest[] = []
    await using world = await startWorld({
      credential(request) {
        asked.push(request)
        return Promise.resolve({ credential: { user: `app_${asked.length}` } })
      },
    })
    const session = await world.session()
    expect([await session.credential(), await session.credential()]).toEqual([
      { user: 'app_1' },
      { user: 'app_2' },
    ])
    expect(asked[0]).toMatchObject({
      session: session.id,
      subject: session.subject,
      account: { name: 'app' },
    })
  })

  /** A credential with a lease. */
  function leased() {
    const lease = { released: 0, lose: undefined as ((cause: Fault) => void) | undefined }
    const credential = vi.fn<FindCredential>(() =>
      Promise.resolve({
        credential: { user: 'app_7' },
        lease: {
          onLost: (listener: (cause: Fault) => void) => (lease.lose = listener),
          release: () => Promise.resolve(void lease.released++),
        },
      }),
    )
    return { lease, credential }
  }

  it('that was made for it serves all its log-ins, and is released when it is over', async () => {
    const { lease, credential } = leased()
    await using world = await startWorld({ credential })
    const session = await world.session()
    await Promise.all([session.credential(), session.credential()])
    await session.credential()
    expect(credential).toHaveBeenCalledOnce()
    expect(lease.released).toBe(0)
    expect((await world.recorded(session)).slice(1)).toMatchObject([{ kind: 'target-user', user: 'app_7' }])
    await session[Symbol.asyncDispose]()
    expect(lease.released).toBe(1)
    await expect(session.credential()).rejects.toMatchObject({ code: 'client/gone' })
    expect(credential).toHaveBeenCalledOnce()
  })

  it('that comes when it is over already is released all the same', async () => {
    const { lease, credential } = leased()
    const late = Promise.withResolvers<void>()
    await using world = await startWorld({
      credential: (request) => late.promise.then(() => credential(request)),
    })
    const session = await world.session()
    const coming = session.credential()
    const disposed = session[Symbol.asyncDispose]()
    late.resolve()
    await Promise.all([coming, disposed])
    expect(lease.released).toBe(1)
  })

  it('that is lost ends it, with the reason', async () => {
    const { lease, credential } = leased()
    await using world = await startWorld({ credential })
    const session = await world.session()
    await session.credential()
    lease.lose?.(new Fault('gateway/credential-lost', 'gone'))
    expect(session.signal.reason).toMatchObject({ code: 'gateway/credential-lost' })
    await session[Symbol.asyncDispose]()
    expect(await world.store.read.sessions.get(session.id)).toMatchObject({
      reason: 'gateway/credential-lost',
    })
  })

  it('that could not be had is asked for again', async () => {
    const credential = vi.fn<FindCredential>(() => Promise.resolve({ credential: { user: 'app' } }))
    credential.mockRejectedValueOnce(new Fault('gateway/no-credential', 'not now'))
    await using world = await startWorld({ credential })
    const session = await world.session()
    await expect(session.credential()).rejects.toMatchObject({ code: 'gateway/no-credential' })
    expect(await session.credential()).toEqual({ user: 'app' })
  })
})
