import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CredentialRequest, Fault, Lease, Refusal, Resource, SessionId } from '@sallyport/core'
import { alice, postgresResource } from '@sallyport/core/testing'
import { SealedBox } from '../sealed-box.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import { Credentials } from './credentials.ts'
import { HeldLease } from './held-lease.ts'
import { LeaseLost, type CredentialKind, type CredentialKinds, type LeaseTerms } from './kind.ts'
import type { LeaseProblem } from './leases.ts'

type Release = NonNullable<CredentialKind['release']>
type Renew = NonNullable<LeaseTerms['renew']>

const box = new SealedBox(Buffer.alloc(32, 7))
const request: CredentialRequest = {
  resource: postgresResource({}) as Resource,
  account: { name: 'app', credential: { from: 'none' } },
  session: 'ses_1' as SessionId,
  subject: alice,
  signal: new AbortController().signal,
}

describe('a credential that was made for a session', () => {
  let it: Fixture
  let problems: LeaseProblem[]
  const open: Credentials[] = []
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] })
    it = await identityFixture()
    problems = []
  })
  afterEach(async () => {
    for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
    vi.useRealTimers()
    await it[Symbol.asyncDispose]()
  })

  const sourceOf = (kind: CredentialKind): Credentials => {
    const all = new Credentials({
      ledger: it.store.leases,
      box,
      clock: it.clock,
      onProblem: (problem) => problems.push(problem),
      kinds: { none: kind } as unknown as CredentialKinds,
    })
    open.push(all)
    return all
  }
  /** A source whose users are undone by `release`. */
  const source = (release: CredentialKind['release'], terms?: LeaseTerms): Credentials =>
    sourceOf({
      async fetch(_source, _request, undertake) {
        await undertake({ user: 'app_7' }, terms)
        return { user: 'app_7' }
      },
      ...(release !== undefined && { release }),
    })
  const pass = async (ms: number): Promise<void> => {
    it.clock.advance(ms)
    await vi.advanceTimersByTimeAsync(ms)
  }
  const found = async (of: Credentials): Promise<Lease> => {
    const { credential, lease } = await of.find(request)
    expect(credential.user).toBe('app_7')
    return lease!
  }

  test('is undone when the session is over, once, and nothing of it is left', async () => {
    const release = vi.fn<Release>(() => Promise.resolve())
    const lease = await found(source(release))
    await pass(600_000)
    expect(release).not.toHaveBeenCalled()
    expect(await it.store.leases.list()).toMatchObject([
      { source: 'none', session: 'ses_1', resource: 'orders-db', account: 'app' },
    ])
    await lease.release()
    await lease.release()
    await vi.waitFor(async () => expect(await it.store.leases.list()).toEqual([]))
    expect(release.mock.calls).toEqual([[{ user: 'app_7' }, expect.any(AbortSignal)]])
  })

  test('is written down sealed: the store does not tell what it is', async () => {
    await found(source(() => Promise.resolve()))
    const [row] = await it.store.leases.list()
    expect(Buffer.from(row!.what).toString('latin1')).not.toContain('app_7')
  })

  test('is tried to be undone again, at growing intervals, until it is', async () => {
    const release = vi.fn<Release>(() => Promise.reject(new Error('the store is sealed')))
    const lease = await found(source(release))
    await lease.release()
    await vi.waitFor(() => expect(problems).toHaveLength(1))
    for (let i = 0; i < 60; i++) await pass(10_000)
    expect(problems.map(({ attempts }) => attempts)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(problems.at(-1)).toMatchObject({ session: 'ses_1', source: 'none' })
    expect(await it.store.leases.list()).toMatchObject([{ problem: 'the store is sealed' }])
    release.mockResolvedValue()
    for (let i = 0; i < 60; i++) await pass(10_000)
    expect(await it.store.leases.list()).toEqual([])
  })

  test('is undone, too, where it could not be written down for a while that the session is over', async () => {
    const release = vi.fn<Release>(() => Promise.resolve())
    const lease = await found(source(release))
    const over = vi.spyOn(it.store.leases, 'over').mockRejectedValue(new Error('the disk is full'))
    await expect(lease.release()).rejects.toThrow('the disk is full')
    await pass(10_000)
    expect(release).not.toHaveBeenCalled()
    over.mockRestore()
    await pass(10_000)
    await vi.waitFor(async () => expect(await it.store.leases.list()).toEqual([]))
    expect(release).toHaveBeenCalledTimes(1)
  })

  test('is given up where it is over by itself before it could be undone', async () => {
    const release = vi.fn<Release>(() => Promise.reject(new Error('not permitted')))
    const lease = await found(source(release, { lastsMs: 300_000 }))
    await pass(10_000)
    await lease.release()
    for (let i = 0; i < 25; i++) await pass(10_000)
    expect(await it.store.leases.list()).toHaveLength(1)
    for (let i = 0; i < 30; i++) await pass(10_000)
    expect(await it.store.leases.list()).toEqual([])
  })

  test('that a process left behind when it died is undone by the next', async () => {
    await found(source(() => Promise.resolve()))
    await open.pop()![Symbol.asyncDispose]()
    const release = vi.fn<Release>(() => Promise.resolve())
    expect(await it.store.leases.endLeftovers()).toBe(1)
    source(release)
    await vi.waitFor(async () => expect(await it.store.leases.list()).toEqual([]))
    expect(release).toHaveBeenCalledOnce()
  })

  test('is waited for by a gateway that stops, as long as it takes or may', async () => {
    const undone = Promise.withResolvers<void>()
    const all = source(() => undone.promise)
    await all.settle(1_000)
    const lease = await found(all)
    let isSettled = false
    const settled = all.settle(10_000).then(() => (isSettled = true))
    await pass(500)
    await lease.release()
    await pass(500)
    expect(isSettled).toBe(false)
    undone.resolve()
    await settled
    expect(await it.store.leases.list()).toEqual([])

    await found(all)
    await all.settle(100)
    expect(await it.store.leases.list()).toHaveLength(1)
  })

  test('is undone where the fetch failed after it was undertaken', async () => {
    const release = vi.fn<Release>(() => Promise.resolve())
    const all = sourceOf({
      async fetch(_source, _request, undertake) {
        await undertake('half')
        throw new Error('the target is away')
      },
      release,
    })
    await expect(all.find(request)).rejects.toMatchObject({ code: 'gateway/no-credential' })
    await vi.waitFor(() => expect(release).toHaveBeenCalledOnce())
  })

  test('is not made where it cannot be written down', async () => {
    await it.store[Symbol.asyncDispose]()
    const made = vi.fn<() => void>()
    const all = sourceOf({
      async fetch(_source, _request, undertake) {
        await undertake('it')
        made()
        return { user: 'app_7' }
      },
      release: () => Promise.resolve(),
    })
    await expect(all.find(request)).rejects.toMatchObject({ code: 'gateway/no-credential' })
    expect(made).not.toHaveBeenCalled()
  })

  describe('and ends by itself', () => {
    const lost = (lease: Lease): (Refusal | Fault)[] => {
      const causes: (Refusal | Fault)[] = []
      lease.onLost((cause) => causes.push(cause))
      return causes
    }

    test('is renewed at two thirds of its time, for as long as the session lives', async () => {
      const renew = vi.fn<Renew>(() => Promise.resolve(60_000))
      const lease = await found(source(() => Promise.resolve(), { lastsMs: 60_000, renew }))
      const causes = lost(lease)
      await pass(39_000)
      expect(renew).not.toHaveBeenCalled()
      for (let i = 0; i < 60; i++) await pass(10_000)
      expect(renew).toHaveBeenCalledTimes(15)
      await lease.release()
      await pass(600_000)
      expect(renew).toHaveBeenCalledTimes(15)
      expect(causes).toEqual([])
    })

    test('ends its session a little sooner where nothing renews it', async () => {
      const causes = lost(await found(source(() => Promise.resolve(), { lastsMs: 600_000 })))
      await pass(569_000)
      expect(causes).toEqual([])
      await pass(2_000)
      expect(causes).toMatchObject([{ kind: 'refusal', code: 'access-expired' }])
    })

    test('ends its session where renewing it gains no more time', async () => {
      const endsMs = it.clock.elapsed() + 100_000
      const renew = vi.fn<Renew>(() => Promise.resolve(Math.min(60_000, endsMs - it.clock.elapsed())))
      const causes = lost(await found(source(() => Promise.resolve(), { lastsMs: 60_000, renew })))
      for (let i = 0; i < 97; i++) await pass(1_000)
      expect(causes).toMatchObject([{ code: 'access-expired' }])
      expect(renew.mock.calls.length).toBeLessThan(4)
    })

    test('ends its session at once where it is gone, and when time is up where it cannot be renewed', async () => {
      const renew = vi.fn<Renew>(() => Promise.reject(new Error('no answer')))
      const causes = lost(await found(source(() => Promise.resolve(), { lastsMs: 60_000, renew })))
      for (let i = 0; i < 41; i++) await pass(1_000)
      expect(causes).toEqual([])
      for (let i = 0; i < 13; i++) await pass(1_000)
      expect(causes).toMatchObject([{ name: 'Fault', code: 'gateway/credential-lost' }])
      expect(renew.mock.calls.length).toBeGreaterThan(2)
      const gone = (): Promise<number> => Promise.reject(new LeaseLost('revoked by somebody'))
      const again = lost(await found(source(() => Promise.resolve(), { lastsMs: 60_000, renew: gone })))
      await pass(40_000)
      await vi.waitFor(() => expect(again).toMatchObject([{ code: 'gateway/credential-lost' }]))
    })

    test('after a time that no timer reaches, ends then and not before', async () => {
      const terms = { lastsMs: 40 * 86_400_000 }
      const causes = lost(new HeldLease({ terms, clock: it.clock, onOver: () => Promise.resolve() }))
      for (let hours = 0; hours < 39 * 24; hours++) await pass(3_600_000)
      expect(causes).toEqual([])
      for (let hours = 0; hours < 24; hours++) await pass(3_600_000)
      expect(causes).toHaveLength(1)
    })
  })
})
