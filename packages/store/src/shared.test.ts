import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '@sallyport/core/testing'
import type { StoreChange } from './changes.ts'
import { lockStore } from './dialects/sqlite.ts'
import { openStore, type Sharing, type Store } from './store.ts'

describe('a store that the processes of one gateway share', () => {
  const clock = new FakeClock()
  let directory: string
  let file: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-store-'))
    file = join(directory, 'store.sqlite')
  })
  afterEach(() => rm(directory, { recursive: true }))

  const open = (process: number, tell: Sharing['tell'] = () => Promise.resolve()): Promise<Store> =>
    openStore({ file, clock, sharing: { process, tell } })
  const put = (store: Store, key: string) =>
    store.write('system', 'x', (tx) => tx.settings.put(key, Uint8Array.of(1)))

  test('is read by each as the others left it, with one chain of audit entries', async () => {
    await using one = await open(1)
    await using two = await open(2)
    for (const [i, store] of [one, two, two, one].entries()) await put(store, `k${i}`)
    for (const store of [one, two]) {
      expect(await store.read.settings.get('k3')).toBeDefined()
      expect(await store.read.audit.verify()).toMatchObject({ sound: true, entries: 4 })
    }
  })

  test('has not written before every other process was told and acts by it', async () => {
    const others = Promise.withResolvers<void>()
    const heard: StoreChange[] = []
    await using two = await open(2)
    two.onCommit((changes) => heard.push(...changes))
    await using one = await open(1, async (changes) => {
      two.heard(changes)
      await others.promise
    })
    let isWritten = false
    const writing = one
      .write('system', 'x', (tx) => tx.users.create({ name: 'ann', displayName: 'Ann', groups: [] }))
      .then(() => (isWritten = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isWritten).toBe(false)
    expect(heard).toEqual([{ table: 'users', key: 'ann', verb: 'created' }])
    others.resolve()
    await writing
  })

  test('tells of the sessions of each process, and ends those of one alone', async () => {
    await using one = await open(1)
    await using two = await open(2)
    for (const [store, id] of [
      [one, 'ses_1'],
      [two, 'ses_2'],
    ] as const)
      await store.traffic.sessionOpened({ ...session, id: id as never })
    expect((await one.read.sessions.list({ process: 2, live: true, limit: 9 })).map(({ id }) => id)).toEqual([
      'ses_2',
    ])
    expect(await one.traffic.endInterrupted(2)).toBe(1)
    expect((await two.read.sessions.list({ live: true, limit: 9 })).map(({ id }) => id)).toEqual(['ses_1'])
  })

  test('is nobody else’s: neither for several processes nor for one', async () => {
    using _lock = lockStore(file, 0)
    await using _store = await open(0)
    expect(() => lockStore(file, 0)).toThrow('in use by another process')
    await expect(openStore({ file, clock, lockWaitMs: 0 })).rejects.toThrow('in use by another process')
  })

  test('is not shared while one process has it alone', async () => {
    await using _alone = await openStore({ file, clock })
    using _lock = lockStore(file, 0)
    await expect(open(0)).rejects.toThrow('in use by another process')
  })
})

const ann = { id: 'user:ann', name: 'ann', kind: 'user', groups: [] } as never
const session = {
  principal: ann,
  actor: ann,
  resource: 'shop',
  protocol: 'toy',
  account: 'app',
  clientAddress: '127.0.0.1:1',
  policyVersion: '1',
  grantId: null,
  token: null,
}
