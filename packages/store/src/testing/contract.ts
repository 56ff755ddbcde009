import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  accessRequestTransitions,
  onOwnBehalf,
  principalId,
  reviewTransitions,
  type AccessRequestId,
  type AccessRequestState,
  type Actor,
  type GrantId,
  type Issuer,
  type Resource,
  type ReviewId,
  type ReviewState,
  type SessionId,
  type Webhook,
  type Subject,
} from '@sallyport/core'
import { alice, bob, FakeClock, postgresResource } from '@sallyport/core/testing'
import type { StoreChange } from '../changes.ts'
import type { GrantPlace } from '../repositories/grants.ts'
import { maxTakenAnswers, type SignInRow } from '../repositories/sign-ins.ts'
import type { Store, Writers } from '../store.ts'

/** What every store must do, whatever is below it. `open` gives a fresh, empty one. */
export function storeContract(name: string, open: (clock: FakeClock) => Promise<Store>): void {
  describe(`${name}, as any store,`, () => {
    let clock: FakeClock
    let store: Store
    beforeEach(async () => {
      clock = new FakeClock()
      store = await open(clock)
    })
    afterEach(() => store[Symbol.asyncDispose]())

    const system = <T>(change: (tx: Writers) => Promise<T>): Promise<T> =>
      store.write('system', 'test', change)

    describe('writes', () => {
      test('so that it can be read, and leaves one audit entry that says who, why and what', async () => {
        await store.write(alice, 'apply', async (tx) => {
          await tx.resources.put(resource)
          await tx.credentials.put('orders-db', Uint8Array.of(1, 2, 255))
        })
        expect(await store.read.resources.get('orders-db')).toEqual(resource)
        expect(bytes(await store.read.credentials.get('orders-db'))).toEqual([1, 2, 255])
        const [entry, ...more] = await store.read.audit.list(10)
        expect(more).toEqual([])
        expect(entry).toMatchObject({ seq: 1, at: clock.now(), by: 'user:alice', why: 'apply' })
        expect(entry?.changes).toHaveLength(2)
        expect(entry?.changes[0]).toMatch(/^resource orders-db declared, version 1: \{/)
        expect(entry?.changes[1]).toBe('credential orders-db set')
      })

      test('all or nothing: a change that throws leaves no row, no audit entry, and tells nobody', async () => {
        const told: StoreChange[] = []
        using _listening = store.onCommit((changes) => void told.push(...changes))
        const failing = system(async (tx) => {
          await tx.resources.put(resource)
          throw new Error('changed my mind')
        })
        await expect(failing).rejects.toThrow('changed my mind')
        expect(await store.read.resources.list()).toEqual([])
        expect(await store.read.audit.list(10)).toEqual([])
        expect(told).toEqual([])
      })

      test('one after the other when asked at the same time, and the chain holds', async () => {
        let inside = 0
        await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            store.write('system', `w${i}`, async (tx) => {
              expect(++inside).toBe(1)
              await tx.users.create({ name: `u${i}`, displayName: '', groups: [] })
              inside--
            }),
          ),
        )
        expect(await store.read.users.list()).toHaveLength(20)
        expect((await store.read.audit.list(100)).map(({ why }) => why)).toEqual(
          Array.from({ length: 20 }, (_, i) => `w${19 - i}`),
        )
        expect(await store.read.audit.verify()).toMatchObject({ sound: true, entries: 20 })
      })

      test('and goes on after a change that failed', async () => {
        await expect(system(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
        await system((tx) => tx.settings.put('k', Uint8Array.of(1)))
        expect(bytes(await store.read.settings.get('k'))).toEqual([1])
      })

      test('and refuses to wait for itself: inside a write, everything goes through its transaction', async () => {
        const within = system(() => store.read.users.list().then(() => undefined))
        await expect(within).rejects.toThrow('through its transaction')
        const nested = system(() => system(() => Promise.resolve()).then(() => undefined))
        await expect(nested).rejects.toThrow('through its transaction')
        let later: Promise<unknown> = Promise.resolve()
        const gate = Promise.withResolvers<void>()
        await system(async (tx) => {
          await tx.users.create({ name: 'u', displayName: '', groups: [] })
          later = gate.promise.then(() => store.read.users.list())
        })
        gate.resolve()
        expect(await later).toHaveLength(1)
      })

      test('as both where an actor acts for a principal', async () => {
        const robot: Subject = { ...alice, actor: robotActor }
        await store.write(robot, 'x', (tx) => tx.settings.put('k', Uint8Array.of()))
        expect((await store.read.audit.list(1))[0]?.by).toBe('agent:robot for user:alice')
      })

      test('a line about what changed no table, but no entry where there is nothing to say', async () => {
        await store.write(alice, 'replay', (tx) => Promise.resolve(tx.note('session ses_1 replayed')))
        await store.write(alice, 'nothing', () => Promise.resolve())
        const entries = await store.read.audit.list(10)
        expect(entries.map(({ changes }) => changes)).toEqual([['session ses_1 replayed']])
      })
    })

    describe('leases', () => {
      const lease = (id: string) => ({
        id,
        source: 'vault-database',
        session: 'ses_1',
        resource: 'orders-db',
        account: 'app',
        what: Uint8Array.of(1),
        lastsMs: null,
      })
      const taken = async (limit = 10): Promise<string[]> =>
        (await store.leases.take(limit, 60_000)).map(({ id }) => id)

      test('in use are nobody’s to undo; those that are over are taken by one, until they are gone', async () => {
        for (const id of ['lea_1', 'lea_2', 'lea_3']) await store.leases.hold(lease(id))
        expect(await taken()).toEqual([])
        await store.leases.over('lea_2')
        clock.advance(1)
        await store.leases.over('lea_1')
        expect(await store.leases.waiting()).toBe(2)
        expect(await taken(1)).toEqual(['lea_2'])
        expect(await taken()).toEqual(['lea_1'])
        expect(await taken()).toEqual([])
        await store.leases.gone('lea_2')
        await store.leases.failed('lea_1', 1, 'no answer', clock.now() + 5_000)
        clock.advance(4_999)
        expect(await taken()).toEqual([])
        clock.advance(1)
        expect(await store.leases.take(10, 60_000)).toMatchObject([
          { id: 'lea_1', attempts: 1, problem: 'no answer' },
        ])
        // Whoever took it has died.
        clock.advance(60_000)
        expect(await taken()).toEqual(['lea_1'])
        await store.leases.gone('lea_1')
        expect((await store.leases.list()).map(({ id }) => id)).toEqual(['lea_3'])
      })

      test('that could not be undone stand behind those that nobody has tried yet', async () => {
        for (const id of ['lea_1', 'lea_2']) await store.leases.hold(lease(id))
        await store.leases.over('lea_1')
        expect(await taken()).toEqual(['lea_1'])
        await store.leases.failed('lea_1', 1, 'no answer', clock.now() + 5_000)
        clock.advance(10_000)
        await store.leases.over('lea_2')
        expect(await taken(1)).toEqual(['lea_2'])
        expect(await taken(1)).toEqual(['lea_1'])
      })

      test('that end by themselves do so after their time, from when they are used no more', async () => {
        await store.leases.hold({ ...lease('lea_1'), lastsMs: 3_600_000 })
        await store.leases.hold(lease('lea_2'))
        clock.advance(1000)
        const [now] = [clock.now(), await store.leases.over('lea_1'), await store.leases.over('lea_2')]
        expect(await store.leases.list()).toMatchObject([{ endsAt: now + 3_600_000 }, { endsAt: null }])
      })

      test('of a process that died are over, and those of others are not', async () => {
        await store.leases.hold(lease('lea_1'))
        expect(await store.leases.endLeftovers(7)).toBe(0)
        expect(await store.leases.endLeftovers(0)).toBe(1)
        await store.leases.hold(lease('lea_2'))
        expect(await store.leases.endLeftovers()).toBe(1)
        expect(await store.leases.waiting()).toBe(2)
      })

      test('that a gateway was about to undo when it died are due at its next start', async () => {
        await store.leases.hold(lease('lea_1'))
        await store.leases.hold(lease('lea_2'))
        await store.leases.endLeftovers()
        await store.leases.take(1, 60_000)
        await store.leases.failed('lea_2', 7, 'no answer', clock.now() + 600_000)
        await store.leases.endLeftovers(0)
        expect(await taken()).toEqual([])
        await store.leases.endLeftovers()
        expect(await taken()).toEqual(['lea_1', 'lea_2'])
      })
    })

    describe('tells subscribers', () => {
      test('of each committed change before its write is done, until they are disposed of', async () => {
        const told: StoreChange[] = []
        const listening = store.onCommit((changes) => void told.push(...changes))
        await system(async (tx) => {
          await tx.users.create({ name: 'u', displayName: '', groups: [] })
          await tx.users.disable('u')
          expect(told).toEqual([])
        })
        expect(told).toEqual([
          { table: 'users', key: 'u', verb: 'created' },
          { table: 'users', key: 'u', verb: 'ended' },
        ])
        listening[Symbol.dispose]()
        await system((tx) => tx.users.enable('u'))
        expect(told).toHaveLength(2)
      })

      test('all of them, even where one throws', async () => {
        using _first = store.onCommit(() => {
          throw new Error('a bug')
        })
        const told: StoreChange[] = []
        using _second = store.onCommit((changes) => void told.push(...changes))
        await expect(system((tx) => tx.settings.put('k', Uint8Array.of()))).rejects.toThrow('a bug')
        expect(told).toHaveLength(1)
        expect(await store.read.settings.get('k')).toBeDefined()
      })
    })

    describe('keeps an audit log', () => {
      test('in pages, newest first', async () => {
        for (let i = 0; i < 5; i++) await system((tx) => Promise.resolve(tx.note(`n${i}`)))
        expect((await store.read.audit.list(2)).map(({ seq }) => seq)).toEqual([5, 4])
        expect((await store.read.audit.list(2, 4)).map(({ seq }) => seq)).toEqual([3, 2])
      })

      test('each entry of which carries the hash of the one before', async () => {
        for (const what of ['a', 'b', 'c']) await system((tx) => Promise.resolve(tx.note(what)))
        const [third, second, first] = await store.read.audit.list(3)
        expect(first?.previous).toBe('0'.repeat(64))
        expect(second?.previous).toBe(first?.hash)
        expect(third?.previous).toBe(second?.hash)
        expect(await store.read.audit.verify()).toEqual({ sound: true, entries: 3, head: third?.hash })
      })

      test('that is sound while it is empty', async () => {
        expect(await store.read.audit.verify()).toEqual({ sound: true, entries: 0, head: '0'.repeat(64) })
      })
    })

    describe('holds resources', () => {
      test('under one name each, counting their versions, and forgets the deleted', async () => {
        expect(await system((tx) => tx.resources.put(resource))).toBe(1)
        const other = { ...resource, host: 'elsewhere' }
        clock.advance(5)
        expect(await system((tx) => tx.resources.put(other))).toBe(2)
        expect(await store.read.resources.declared('orders-db')).toEqual({
          resource: other,
          version: 2,
          updatedAt: clock.now(),
        })
        expect(await system((tx) => tx.resources.delete('orders-db'))).toBe(true)
        expect(await system((tx) => tx.resources.delete('orders-db'))).toBe(false)
        expect(await store.read.resources.get('orders-db')).toBeUndefined()
      })
    })

    describe('holds policy sets', () => {
      test('that count up, every one of them readable for good', async () => {
        expect(await store.read.policies.current()).toBeUndefined()
        const texts = [
          { name: 'b', text: '2' },
          { name: 'a', text: '1' },
        ]
        expect(await system((tx) => tx.policies.apply(texts, 'user:alice'))).toBe(1)
        expect(await system((tx) => tx.policies.apply([], 'user:bob', 'all of them away'))).toBe(2)
        expect(await store.read.policies.current()).toEqual({
          version: 2,
          note: 'all of them away',
          texts: [],
          author: 'user:bob',
          at: clock.now(),
        })
        expect((await store.read.policies.get(1))?.texts.map((one) => one.name)).toEqual(['a', 'b'])
        expect(await store.read.policies.get(3)).toBeUndefined()
        expect((await store.read.policies.list(9)).map(({ version }) => version)).toEqual([2, 1])
      })
    })

    describe('holds users', () => {
      const carol = { name: 'carol', displayName: 'Carol', groups: ['dba', 'on-call'] }

      test('whose names are taken once', async () => {
        expect(await store.read.users.isEmpty()).toBe(true)
        expect(await system((tx) => tx.users.create(carol))).toBe(true)
        expect(await system((tx) => tx.users.create({ ...carol, groups: ['administrators'] }))).toBe(false)
        expect(await store.read.users.get('carol')).toEqual({
          ...carol,
          passwordHash: null,
          provider: null,
          disabledAt: null,
          disabledBy: null,
          groupsBy: null,
          createdAt: clock.now(),
        })
        expect(await store.read.users.isEmpty()).toBe(false)
      })

      test('whose groups, name, password and standing can be changed, if they exist', async () => {
        await system((tx) => tx.users.create(carol))
        await system(async (tx) => {
          expect(await tx.users.setGroups('carol', [])).toBe(true)
          expect(await tx.users.setDisplayName('carol', 'C')).toBe(true)
          expect(await tx.users.setPasswordHash('carol', 'h')).toBe(true)
          expect(await tx.users.disable('carol')).toBe(true)
          expect(await tx.users.disable('nobody')).toBe(false)
        })
        expect(await store.read.users.get('carol')).toMatchObject({
          displayName: 'C',
          groups: [],
          passwordHash: 'h',
          disabledAt: clock.now(),
        })
        await system((tx) => tx.users.enable('carol'))
        expect((await store.read.users.get('carol'))?.disabledAt).toBeNull()
      })

      test('without ever writing a password hash into the audit log', async () => {
        await system((tx) => tx.users.create(carol))
        await system((tx) => tx.users.setPasswordHash('carol', 'HASH'))
        expect(JSON.stringify(await store.read.audit.list(10))).not.toContain('HASH')
      })
    })

    describe('holds set-up links', () => {
      const add = (hash: string, userName: string | null) =>
        system((tx) => tx.setupLinks.add({ hash, userName, expiresAt: clock.now() + 10 }))
      const take = (hash: string) => system((tx) => tx.setupLinks.take(hash))

      test('that serve once, however many try at once', async () => {
        await add('a', null)
        const taken = await Promise.all([take('a'), take('a'), take('a')])
        expect(taken.filter((link) => link !== undefined)).toEqual([
          { hash: 'a', userName: null, expiresAt: clock.now() + 10 },
        ])
      })

      test('and not from their end on', async () => {
        await add('a', 'carol')
        clock.advance(9)
        expect(await store.read.setupLinks.get('a')).toMatchObject({ userName: 'carol' })
        clock.advance(1)
        expect(await take('a')).toBeUndefined()
      })

      test('of which a user has one: the newest', async () => {
        await add('first', null)
        await add('a', 'carol')
        await add('b', 'carol')
        expect(await take('a')).toBeUndefined()
        expect(await take('b')).toBeDefined()
        expect(await take('first')).toBeDefined()
      })
    })

    describe('holds users whom a provider vouches for', () => {
      const provider = { issuer: 'https://idp.example', subject: '42', claimedAt: 5, vouchedUntil: 9 }
      const dora = { name: 'dora', displayName: 'Dora', groups: ['dba'], provider }

      test('found by issuer and subject, and by nothing else of theirs', async () => {
        await system((tx) => tx.users.create(dora))
        expect(await store.read.users.byProvider('https://idp.example', '42')).toMatchObject(dora)
        expect(await store.read.users.byProvider('https://other.example', '42')).toBeUndefined()
        expect(await store.read.users.byProvider('https://idp.example', 'dora')).toBeUndefined()
        await system((tx) => tx.users.setClaimedAt('dora', 6))
        expect((await store.read.users.get('dora'))?.provider).toEqual({ ...provider, claimedAt: 6 })
        await system((tx) => tx.users.setVouchedUntil('dora', 7))
        expect((await store.read.users.get('dora'))?.provider?.vouchedUntil).toBe(7)
      })

      test('each once', async () => {
        await system((tx) => tx.users.create(dora))
        await expect(system((tx) => tx.users.create({ ...dora, name: 'other' }))).rejects.toThrow(
          'UNIQUE constraint',
        )
        expect(await store.read.users.get('other')).toBeUndefined()
      })
    })

    describe('holds issuers', () => {
      const issuer: Issuer = {
        name: 'ci',
        issuer: 'https://ci.example',
        audiences: ['gateway'],
        authorizedParties: [],
        tokens: 'workload',
        algorithms: ['RS256'],
        actors: 'allowed',
        groupsClaim: 'groups',
        nameClaim: 'name',
        maxLifetimeSeconds: 600,
        keys: { from: 'discovery' },
        rules: [{ name: 'main', match: { ref: 'main' }, is: { workload: 'shop' }, groups: ['deployers'] }],
      }
      const keep = (id: string, of: string | null) =>
        system((tx) =>
          tx.tokens.add({
            id,
            hash: `#${id}`,
            principalId: principalId('workload', 'shop'),
            actor: null,
            label: 'l',
            expiresAt: clock.now() + 1000,
            issuer: of,
            sshKey: null,
            signIn: null,
          }),
        )

      test('and the workloads that their rules tell of', async () => {
        await system((tx) => tx.issuers.put(issuer))
        expect(await store.read.issuers.list()).toEqual([issuer])
        expect(await store.read.issuers.workload('shop')).toEqual({ name: 'shop', groups: ['deployers'] })
        expect(await store.read.issuers.workload('other')).toBeUndefined()
        expect(await system((tx) => tx.issuers.delete('ci'))).toBe(true)
        expect(await system((tx) => tx.issuers.delete('ci'))).toBe(false)
        expect(await store.read.issuers.workload('shop')).toBeUndefined()
      })

      test('and ends what stands by their tokens when they change, but keeps what was revoked', async () => {
        await system((tx) => tx.issuers.put(issuer))
        await keep('theirs', 'ci')
        await keep('revoked', 'ci')
        await keep('others', 'cd')
        await keep('ours', null)
        await system((tx) => tx.tokens.revoke({ id: 'revoked' }))
        const told: StoreChange[] = []
        using _told = store.onCommit((changes) => void told.push(...changes))
        await system((tx) => tx.issuers.put({ ...issuer, maxLifetimeSeconds: 60 }))
        const ids = (await store.read.tokens.list(undefined, 9)).map(({ id }) => id).toSorted()
        expect(ids).toEqual(['others', 'ours', 'revoked'])
        expect(told).toEqual([
          { table: 'issuers', key: 'ci', verb: 'changed' },
          { table: 'tokens', key: 'theirs', verb: 'ended' },
        ])
      })
    })

    describe('holds SSH keys', () => {
      const principal = principalId('user', 'alice')
      const keyOf = (id: string, fingerprint = `SHA256:${id}`) => ({
        id,
        fingerprint,
        publicKey: 'AAAA',
        principalId: principal,
        label: 'laptop',
        expiresAt: clock.now() + 1000,
      })
      const add = (id: string, fingerprint?: string) => system((tx) => tx.sshKeys.add(keyOf(id, fingerprint)))

      test('with all that was said of them, found by fingerprint, by id and by principal', async () => {
        const row = { ...keyOf('k1'), createdAt: clock.now(), lastUsedAt: null }
        expect(await add('k1')).toEqual(row)
        expect(await store.read.sshKeys.byFingerprint('SHA256:k1')).toEqual(row)
        expect(await store.read.sshKeys.get('k1')).toEqual(row)
        expect(await store.read.sshKeys.list(principal, 9)).toEqual([row])
        expect(await store.read.sshKeys.list('user:bob', 9)).toEqual([])
        expect(await store.read.sshKeys.list(undefined, 9)).toEqual([row])
        const [entry] = await store.read.audit.list(1)
        const until = new Date(row.expiresAt).toISOString()
        expect(entry?.changes).toEqual([`SSH key k1 (SHA256:k1) added for user:alice until ${until}`])
      })

      test('each once', async () => {
        await add('k1')
        expect(await add('k2', 'SHA256:k1')).toBeUndefined()
        expect(await store.read.sshKeys.get('k2')).toBeUndefined()
      })

      test('and when they were used last', async () => {
        await add('k1')
        clock.advance(5)
        await system((tx) => tx.sshKeys.used('k1'))
        expect(await store.read.sshKeys.get('k1')).toMatchObject({ lastUsedAt: clock.now() })
      })

      test('until they are removed, as what stands by them can be', async () => {
        const token = (id: string, sshKey: string | null) =>
          system((tx) =>
            tx.tokens.add({
              id,
              hash: `#${id}`,
              principalId: principal,
              actor: null,
              label: 'l',
              expiresAt: clock.now() + 1000,
              issuer: null,
              sshKey,
              signIn: null,
            }),
          )
        await add('k1')
        await add('k2')
        await token('t1', 'k1')
        await token('t2', 'k2')
        await token('t3', null)
        const told: StoreChange[] = []
        using _told = store.onCommit((changes) => void told.push(...changes))
        expect(await system((tx) => tx.sshKeys.remove({ id: 'k1' }))).toEqual(['k1'])
        expect(await system((tx) => tx.tokens.revoke({ sshKey: 'k1' }))).toEqual(['t1'])
        expect(await system((tx) => tx.sshKeys.remove({ id: 'k1' }))).toEqual([])
        expect(await system((tx) => tx.sshKeys.remove({ principalId: principal }))).toEqual(['k2'])
        expect(told).toEqual([
          { table: 'sshKeys', key: 'k1', verb: 'ended' },
          { table: 'tokens', key: 't1', verb: 'ended' },
          { table: 'sshKeys', key: 'k2', verb: 'ended' },
        ])
      })

      test('and forgets those that expired long ago', async () => {
        await add('k1')
        expect(await system((tx) => tx.sshKeys.forgetOld(clock.now()))).toBe(0)
        expect(await system((tx) => tx.sshKeys.forgetOld(clock.now() + 1001))).toBe(1)
      })
    })

    describe('holds sign-ins', () => {
      const of = (id: string, more: Partial<SignInRow> = {}): SignInRow => ({
        id,
        userName: 'alice',
        issuer: 'https://idp.example',
        sid: null,
        refresh: null,
        signedIn: { acr: [], amr: [] },
        ...more,
      })
      const add = (row: SignInRow) => system((tx) => tx.signIns.add(row))

      test('with how they were done, and tells of those that were done anew', async () => {
        const signedIn = { acr: ['pwd'], amr: ['pwd', 'otp'], atMs: 7 }
        await add(of('s1', { sid: 'a', signedIn }))
        await add(of('s2', { issuer: null }))
        expect(await store.read.signIns.get('s1')).toEqual(of('s1', { sid: 'a', signedIn }))
        expect(await store.read.signIns.get('s2')).toEqual(of('s2', { issuer: null }))
        expect(await store.read.signIns.get('s3')).toBeUndefined()
        const told: StoreChange[] = []
        using _told = store.onCommit((changes) => void told.push(...changes))
        const anew = { signedIn: { acr: ['phr'], amr: [] }, sid: 'b', refresh: Uint8Array.of(1) }
        expect(await system((tx) => tx.signIns.renew('s1', anew))).toBe(true)
        expect(await system((tx) => tx.signIns.renew('s1', { ...anew, refresh: null }))).toBe(true)
        expect(await system((tx) => tx.signIns.renew('s3', anew))).toBe(false)
        expect(await store.read.signIns.get('s1')).toEqual(of('s1', anew))
        expect(told).toEqual([1, 2].map(() => ({ table: 'signIns', key: 's1', verb: 'changed' })))
      })

      test('found by provider and person, or by the provider’s own session', async () => {
        await add(of('s1', { sid: 'a' }))
        await add(of('s2', { sid: 'b', refresh: Uint8Array.of(1) }))
        await add(of('s3', { sid: 'a', userName: 'bob' }))
        await add(of('s4', { sid: 'a', issuer: 'https://other.example' }))
        const found = async (which: Parameters<typeof store.read.signIns.of>[1]) =>
          (await store.read.signIns.of('https://idp.example', which)).map(({ id }) => id)
        expect(await found({ userName: 'alice' })).toEqual(['s1', 's2'])
        expect(await found({ sid: 'a' })).toEqual(['s1', 's3'])
        expect(await found({ userName: 'alice', sid: 'a' })).toEqual(['s1'])
        expect((await store.read.signIns.refreshable()).map(({ id }) => id)).toEqual(['s2'])
      })

      test('for as long as a token stands by them, and the newest that can be asked about as long as its person has a key', async () => {
        const refresh = Uint8Array.of(1)
        for (const id of ['s1', 's2', 's3']) await add(of(id, { refresh }))
        await add(of('s4'))
        await add(of('s5', { userName: 'bob', refresh }))
        await system((tx) =>
          tx.tokens.add({
            id: 't1',
            hash: '#t1',
            principalId: principalId('user', 'alice'),
            actor: null,
            label: '',
            expiresAt: clock.now() + 10,
            issuer: null,
            sshKey: null,
            signIn: 's1',
          }),
        )
        await system((tx) =>
          tx.sshKeys.add({
            id: 'k1',
            fingerprint: 'SHA256:k1',
            publicKey: 'AAAA',
            principalId: principalId('user', 'alice'),
            label: '',
            expiresAt: clock.now() + 20,
          }),
        )
        expect(await store.read.signIns.newestRefreshable('alice')).toBe('s3')
        expect(await store.read.signIns.newestRefreshable('carol')).toBeUndefined()
        const left = async () => {
          await system((tx) => tx.signIns.forgetOver())
          return (await store.read.signIns.refreshable()).map(({ id }) => id)
        }
        expect(await left()).toEqual(['s1', 's3'])
        expect(await store.read.signIns.get('s4')).toBeUndefined()
        expect(await store.read.signIns.inUse(clock.now())).toEqual(new Set(['s1']))
        clock.advance(10)
        expect(await store.read.signIns.inUse(clock.now())).toEqual(new Set())
        expect(await left()).toEqual(['s3'])
        clock.advance(10)
        expect(await left()).toEqual([])
      })

      test('and takes each logout token once, for as long as anybody would take it', async () => {
        const take = (hash: string) => system((tx) => tx.signIns.takeLogout(hash, clock.now() + 1000))
        expect(await take('h')).toBe(true)
        expect(await take('h')).toBe(false)
        clock.advance(1000)
        expect(await take('i')).toBe(true)
        expect(await take('h')).toBe(true)
      })

      test('and takes each answer of a provider once, and no more of them than it can know', async () => {
        const take = (hash: string) => system((tx) => tx.signIns.takeAnswer(hash, clock.now() + 1000))
        expect(await take('h')).toBe('new')
        expect(await take('h')).toBe('again')
        await system(async (tx) => {
          for (let i = 1; i < maxTakenAnswers; i++) await tx.signIns.takeAnswer(`${i}`, clock.now() + 1000)
        })
        expect(await take('i')).toBe('full')
        clock.advance(1000)
        expect(await take('h')).toBe('new')
      })
    })

    describe('holds tokens', () => {
      const principal = principalId('user', 'alice')
      const add = (id: string, actor: Actor | null = null) =>
        system((tx) =>
          tx.tokens.add({
            id,
            hash: `#${id}`,
            principalId: principal,
            actor,
            label: 'l',
            expiresAt: clock.now() + 1000,
            issuer: null,
            sshKey: null,
            signIn: null,
          }),
        )

      test('once of each hash', async () => {
        expect(await add('t1')).toBe(true)
        expect(
          await system(async (tx) => {
            const [row] = await tx.tokens.list(undefined, 1)
            return row === undefined ? undefined : tx.tokens.add({ ...row, id: 't2' })
          }),
        ).toBe(false)
        expect(await store.read.tokens.get('t2')).toBeUndefined()
      })

      test('with all that was said of them, found by hash and by id', async () => {
        await add('t1', robotActor)
        const token = {
          id: 't1',
          hash: '#t1',
          principalId: principal,
          actor: robotActor,
          label: 'l',
          createdAt: clock.now(),
          expiresAt: clock.now() + 1000,
          revokedAt: null,
          lastUsedAt: null,
          issuer: null,
          sshKey: null,
          signIn: null,
          parent: null,
          actorToken: null,
          scope: null,
          party: null,
          mayAct: null,
        }
        expect(await store.read.tokens.byHash('#t1')).toEqual(token)
        clock.advance(7)
        await store.traffic.tokenUsed('t1')
        expect(await store.read.tokens.get('t1')).toEqual({ ...token, lastUsedAt: clock.now() })
        expect(await store.read.tokens.byHash('t1')).toBeUndefined()
      })

      test('and revokes the living, one or all of a principal', async () => {
        for (const id of ['t1', 't2', 't3']) await add(id)
        expect(await system((tx) => tx.tokens.revoke({ id: 't1' }))).toEqual(['t1'])
        expect(await system((tx) => tx.tokens.revoke({ id: 't1' }))).toEqual([])
        const rest = await system((tx) => tx.tokens.revoke({ principalId: principal }))
        expect(rest.toSorted()).toEqual(['t2', 't3'])
        expect((await store.read.tokens.get('t2'))?.revokedAt).toBe(clock.now())
      })

      test('and lists them newest first, and forgets those long over', async () => {
        await add('t1')
        clock.advance(500)
        await add('t2')
        expect((await store.read.tokens.list(principal, 9)).map(({ id }) => id)).toEqual(['t2', 't1'])
        expect(await store.read.tokens.list('user:bob', 9)).toEqual([])
        clock.advance(600)
        expect(await system((tx) => tx.tokens.forgetOld(clock.now()))).toBe(1)
        expect((await store.read.tokens.list(undefined, 9)).map(({ id }) => id)).toEqual(['t2'])
      })
    })

    describe('holds agents', () => {
      const enrol = () =>
        system((tx) =>
          tx.agents.enrol({
            id: 'a',
            pool: 'dc1',
            name: 'dc1-a',
            keys: { generation: 1, current: 'k1' },
            certificateExpiresAt: 5,
          }),
        )

      test('with their keys, and when they were last seen', async () => {
        await enrol()
        clock.advance(3)
        await store.traffic.agentSeen('a', '0.1.0')
        expect(await store.read.agents.list()).toEqual([
          {
            id: 'a',
            pool: 'dc1',
            name: 'dc1-a',
            keys: { generation: 1, current: 'k1' },
            certificateExpiresAt: 5,
            version: '0.1.0',
            enrolledAt: clock.now() - 3,
            lastSeenAt: clock.now(),
            revokedAt: null,
          },
        ])
      })

      test('whose keys advance only from where they stand: of two at once, one', async () => {
        await enrol()
        const one = { generation: 1, current: 'k1' }
        const next = { ...one, next: 'k2' }
        const advance = (from: typeof next | typeof one, to: typeof next | typeof one, expires?: number) =>
          system((tx) => tx.agents.advanceKeys('a', from, to, expires))
        expect(await Promise.all([advance(one, next, 9), advance(one, { ...one, next: 'k3' })])).toEqual([
          true,
          false,
        ])
        expect(await store.read.agents.get('a')).toMatchObject({ keys: next, certificateExpiresAt: 9 })
        expect(await advance(next, { generation: 2, current: 'k2' })).toBe(true)
        expect((await store.read.agents.get('a'))?.keys).toEqual({ generation: 2, current: 'k2' })
      })

      test('which stay revoked', async () => {
        await enrol()
        expect(await system((tx) => tx.agents.revoke('a', 'its key was copied'))).toBe(true)
        expect(await system((tx) => tx.agents.revoke('a', 'again'))).toBe(false)
        const keys = { generation: 1, current: 'k1' }
        expect(await system((tx) => tx.agents.advanceKeys('a', keys, { ...keys, next: 'k2' }))).toBe(false)
      })
    })

    describe('holds join tokens', () => {
      const add = (id: string, usesLeft: number) =>
        system((tx) =>
          tx.joinTokens.add({
            id,
            hash: `#${id}`,
            pool: 'dc1',
            labels: { site: 'a' },
            usesLeft,
            createdBy: 'user:alice',
            expiresAt: clock.now() + 1000,
          }),
        )
      const use = (id: string) => system((tx) => tx.joinTokens.use(`#${id}`))

      test('that serve as often as they say, however many try at once', async () => {
        await add('j', 2)
        const used = await Promise.all([use('j'), use('j'), use('j'), use('j')])
        expect(used.filter((token) => token !== undefined)).toHaveLength(2)
        expect(used[0]).toMatchObject({ pool: 'dc1', labels: { site: 'a' }, usesLeft: 1 })
        expect((await store.read.joinTokens.list())[0]?.usesLeft).toBe(0)
      })

      test('and not when they are over, revoked or unknown', async () => {
        await add('late', 9)
        await add('revoked', 9)
        expect(await system((tx) => tx.joinTokens.revoke('revoked'))).toBe(true)
        expect(await system((tx) => tx.joinTokens.revoke('revoked'))).toBe(false)
        expect(await use('revoked')).toBeUndefined()
        expect(await use('unknown')).toBeUndefined()
        clock.advance(1000)
        expect(await use('late')).toBeUndefined()
      })
    })

    describe('holds sessions', () => {
      const carol = onOwnBehalf({
        kind: 'user',
        id: principalId('user', 'carol'),
        name: 'Carol',
        groups: [],
      })
      const opened = (id: string, who: Subject) =>
        store.traffic.sessionOpened({
          id: id as SessionId,
          principal: who.principal,
          actor: who.actor,
          resource: 'orders-db',
          protocol: 'postgres',
          account: 'app',
          clientAddress: '10.0.0.9:40112',
          policyVersion: '3',
          grantId: null,
          token: 'tok_1',
        })
      const end = () =>
        ({
          endedAt: clock.now(),
          reason: 'client-left',
          operations: 3,
          bytesUp: 1,
          bytesDown: 5e9,
          recording: 'sealed',
        }) as const

      test('that end once', async () => {
        await opened('ses_1', carol)
        const startedAt = clock.now()
        expect(await store.read.sessions.get('ses_1')).toMatchObject({
          ...carol,
          startedAt,
          endedAt: null,
          reason: null,
          operations: 0,
          recording: 'writing',
        })
        clock.advance(60)
        const ended = end()
        expect(await store.traffic.sessionEnded('ses_1', ended)).toBe(true)
        expect(await store.traffic.sessionEnded('ses_1', { ...end(), reason: 'again' })).toBe(false)
        expect(await store.read.sessions.get('ses_1')).toMatchObject({ ...ended, endedAt: startedAt + 60 })
      })

      test('whose end is written later with the time of the end', async () => {
        await opened('ses_1', carol)
        const ended = end()
        clock.advance(5_000)
        expect(await store.traffic.sessionEnded('ses_1', ended)).toBe(true)
        expect((await store.read.sessions.get('ses_1'))?.endedAt).toBe(clock.now() - 5_000)
      })

      test('listed newest first, by principal, resource, time and liveness', async () => {
        await opened('ses_1', alice)
        clock.advance(10)
        await opened('ses_2', carol)
        await opened('ses_3', alice)
        await store.traffic.sessionEnded('ses_3', end())
        const ids = async (filter: object) =>
          (await store.read.sessions.list({ limit: 10, ...filter })).map(({ id }) => id)
        expect(await ids({})).toEqual(['ses_3', 'ses_2', 'ses_1'])
        expect(await ids({ limit: 1 })).toEqual(['ses_3'])
        expect(await ids({ principalId: 'user:alice' })).toEqual(['ses_3', 'ses_1'])
        expect(await ids({ resource: 'other' })).toEqual([])
        expect(await ids({ live: true })).toEqual(['ses_2', 'ses_1'])
        expect(await ids({ live: false })).toEqual(['ses_3'])
        expect(await ids({ sinceMs: clock.now() })).toEqual(['ses_3', 'ses_2'])
      })

      test('none of them live after a restart', async () => {
        await opened('ses_1', alice)
        await opened('ses_2', alice)
        await store.traffic.sessionEnded('ses_2', end())
        expect(await store.traffic.endInterrupted()).toBe(1)
        expect(await store.read.sessions.get('ses_1')).toMatchObject({
          reason: 'interrupted',
          recording: 'interrupted',
          endedAt: clock.now(),
        })
        expect(await store.read.sessions.get('ses_2')).toMatchObject({ reason: 'client-left' })
      })
    })

    describe('holds reviews', () => {
      const id = 'rev_1' as ReviewId
      const question = {
        id,
        session: 'ses_1' as SessionId,
        digest: 'd',
        requester: alice.principal,
        actor: robotActor,
        resource: 'orders-db',
        account: 'app',
        text: 'delete from t where id = $1',
        parameters: ['1', null, 'base64:AA=='],
        reason: null,
        policies: ['p'],
        needs: [{ groups: ['dba'], approvals: 2 }],
        expiresAt: 2,
        blastRadius: null,
      }
      const ask = () => store.write(alice, 'ask', (tx) => tx.reviews.ask(question))
      const become = (from: ReviewState, to: ReviewState) => system((tx) => tx.reviews.become(id, from, to))

      test('with all that was asked, and every answer', async () => {
        await ask()
        expect(await store.read.reviews.get(id)).toEqual({
          ...question,
          askedAt: clock.now(),
          state: 'open',
          answers: [],
        })
        const answer = { byId: 'user:bob', byName: 'Bob', verdict: 'approve', comment: 'ok' } as const
        expect(await store.write(bob, 'a', (tx) => tx.reviews.answer(id, answer, []))).toBe(true)
        expect((await store.read.reviews.get(id))?.answers).toEqual([{ ...answer, at: clock.now() }])
        expect((await store.read.reviews.list('open', 9)).map(({ answers }) => answers.length)).toEqual([1])
        expect(await store.read.reviews.list('denied', 9)).toEqual([])
        expect(await store.read.reviews.list('any', 9)).toHaveLength(1)
      })

      test('each answered once by a reviewer, and only while it is open', async () => {
        await ask()
        const answer = (byId: string) =>
          system((tx) => tx.reviews.answer(id, { byId, byName: '', verdict: 'approve', comment: null }, []))
        expect(await Promise.all([answer('user:bob'), answer('user:bob')])).toEqual([true, false])
        expect(await answer('user:carol')).toBe(true)
        await become('open', 'withdrawn')
        expect(await answer('user:dave')).toBe(false)
        expect((await store.read.reviews.get(id))?.answers).toHaveLength(2)
      })

      test('whose approval is given once and used once, however many try', async () => {
        await ask()
        expect(await Promise.all([become('open', 'approved'), become('open', 'approved')])).toEqual([
          true,
          false,
        ])
        expect(
          await Promise.all([
            become('approved', 'used'),
            become('approved', 'used'),
            become('approved', 'used'),
          ]),
        ).toEqual([true, false, false])
      })

      test('that stand where the allowed moves have led them, whatever was tried', async () => {
        const states = Object.keys(reviewTransitions) as ReviewState[]
        const moves = states.flatMap((from) => reviewTransitions[from].map((to) => ({ from, to })))
        let asked = 0
        await fc.assert(
          fc.asyncProperty(fc.array(fc.constantFrom(...moves), { maxLength: 12 }), async (tried) => {
            const one = `rev_p${asked++}` as ReviewId
            await system((tx) => tx.reviews.ask({ ...question, id: one }))
            let stands: ReviewState = 'open'
            for (const { from, to } of tried) {
              expect(await system((tx) => tx.reviews.become(one, from, to))).toBe(from === stands)
              if (from === stands) stands = to
            }
            expect((await store.read.reviews.get(one))?.state).toBe(stands)
          }),
          { numRuns: 40 },
        )
        expect(await store.read.audit.verify()).toMatchObject({ sound: true })
      })

      test('that never move but along the allowed transitions', async () => {
        await ask()
        const states = Object.keys(reviewTransitions) as ReviewState[]
        const forbidden = states.flatMap((from) =>
          states.filter((to) => !reviewTransitions[from].includes(to)).map((to) => ({ from, to })),
        )
        expect(forbidden.length).toBeGreaterThan(20)
        for (const { from, to } of forbidden)
          await expect(become(from, to)).rejects.toThrow(`cannot go from ${from} to ${to}`)
        expect((await store.read.reviews.get(id))?.state).toBe('open')
      })
    })

    describe('holds requests for access and grants', () => {
      const request = {
        id: 'req_1' as AccessRequestId,
        requester: alice.principal,
        actor: robotActor,
        resource: 'orders-db',
        account: 'admin',
        durationMs: 3_600_000,
        reason: 'a broken import',
        ticket: 'OPS-7',
        askedFrom: '10.0.0.9',
        policies: ['p'],
        policyReason: null,
        needs: [{ groups: ['dba'], approvals: 2 }],
        expiresAt: 2,
      }
      const place = {
        principalId: alice.principal.id,
        actorKeys: ['agent:other', robotActor.id],
        resource: 'orders-db',
        account: 'admin',
      }
      const ask = (more: Partial<typeof request> = {}, state: 'open' | 'unreviewed' = 'open') =>
        store.write(alice, 'ask', (tx) => tx.accessRequests.ask({ ...request, ...more }, state))
      const become = (from: AccessRequestState, to: AccessRequestState) =>
        system((tx) => tx.accessRequests.become(request.id, from, to))
      const give = (id: string, ofRequest: string, forMs: number) =>
        system((tx) =>
          tx.grants.give({
            id: id as GrantId,
            request: ofRequest as AccessRequestId,
            principal: alice.principal,
            actor: robotActor,
            resource: 'orders-db',
            account: 'admin',
            approvers: ['user:bob'],
            reviewers: ['dba'],
            endsAt: clock.now() + forMs,
          }),
        )
      const answer = (byId: string, state: 'open' | 'unreviewed' = 'open') =>
        system((tx) => {
          const given = {
            byId,
            byName: 'B',
            verdict: 'approve',
            comment: null,
            answeredFrom: '10.0.0.2',
          } as const
          return tx.accessRequests.answer(request.id, state, given, [])
        })

      test('with all that was asked, and every answer, each given once by a reviewer', async () => {
        expect(await ask()).toBe(true)
        const asked = { ...request, askedAt: clock.now(), state: 'open', answers: [] }
        expect(await store.read.accessRequests.get(request.id)).toEqual(asked)
        expect(await Promise.all([answer('user:bob'), answer('user:bob')])).toEqual([true, false])
        expect(await answer('user:carol', 'unreviewed')).toBe(false)
        const given = {
          byName: 'B',
          verdict: 'approve',
          comment: null,
          answeredFrom: '10.0.0.2',
          at: clock.now(),
        }
        expect((await store.read.accessRequests.get(request.id))?.answers).toEqual([
          { ...given, byId: 'user:bob' },
        ])
        await become('open', 'withdrawn')
        expect(await answer('user:carol')).toBe(false)
      })

      test('of which one waits for the same person and place, however many ask at once', async () => {
        const ids = ['req_1', 'req_2', 'req_3'] as AccessRequestId[]
        const asked = await Promise.all(ids.map((id) => ask({ id })))
        expect(asked).toEqual([true, false, false])
        expect(await ask({ id: 'req_4' as AccessRequestId, account: 'app' })).toBe(true)
        expect(await ask({ id: 'req_5' as AccessRequestId, actor: alice.actor })).toBe(true)
        expect(await ask({ id: 'req_6' as AccessRequestId }, 'unreviewed')).toBe(true)
        expect(await system((tx) => tx.accessRequests.waitingOf(alice.principal.id))).toBe(4)
        await become('open', 'denied')
        expect(await ask({ id: 'req_7' as AccessRequestId })).toBe(true)
        const ofState = async (...states: AccessRequestState[]) =>
          (await store.read.accessRequests.list(states, 9)).map(({ id }) => id)
        expect(await ofState('denied', 'unreviewed')).toEqual(['req_6', 'req_1'])
        expect(await store.read.accessRequests.list('any', 2)).toHaveLength(2)
      })

      test('that are overdue from their end on, while they are open', async () => {
        await ask({ expiresAt: clock.now() + 10 })
        expect(await store.read.accessRequests.overdue(clock.now() + 9, 9)).toEqual([])
        expect(await store.read.accessRequests.overdue(clock.now() + 10, 9)).toEqual(['req_1'])
        await become('open', 'expired')
        expect(await store.read.accessRequests.overdue(clock.now() + 10, 9)).toEqual([])
      })

      test('that never move but along the allowed transitions, of several at once one', async () => {
        await ask()
        const states = Object.keys(accessRequestTransitions) as AccessRequestState[]
        const forbidden = states.flatMap((from) =>
          states.filter((to) => !accessRequestTransitions[from].includes(to)).map((to) => ({ from, to })),
        )
        expect(forbidden.length).toBeGreaterThan(20)
        for (const { from, to } of forbidden)
          await expect(become(from, to)).rejects.toThrow(`cannot go from ${from} to ${to}`)
        const tried = [become('open', 'approved'), become('open', 'denied'), become('open', 'approved')]
        expect(await Promise.all(tried)).toEqual([true, false, false])
      })

      test('of which each request makes one grant', async () => {
        await ask()
        await give('grt_1', 'req_1', 10)
        await expect(give('grt_2', 'req_1', 10)).rejects.toThrow(/unique/i)
        await expect(give('grt_3', 'req_none', 10)).rejects.toThrow(/foreign key/i)
        expect(await store.read.grants.get('grt_1')).toEqual({
          id: 'grt_1',
          request: 'req_1',
          principal: alice.principal,
          actor: robotActor,
          resource: 'orders-db',
          account: 'admin',
          approvers: ['user:bob'],
          reviewers: ['dba'],
          startsAt: clock.now(),
          endsAt: clock.now() + 10,
          revokedAt: null,
          revokedBy: null,
          revokedWhy: null,
        })
      })

      test('that are good from their start to their end for their own place alone; of several the longest', async () => {
        await ask()
        await ask({ id: 'req_2' as AccessRequestId }, 'unreviewed')
        await give('grt_1', 'req_1', 10)
        await give('grt_2', 'req_2', 20)
        const live = (ms: number) => store.read.grants.countGood(clock.now() + ms)
        expect(await Promise.all([live(0), live(10), live(20)])).toEqual([
          [{ resource: 'orders-db', count: 2 }],
          [{ resource: 'orders-db', count: 1 }],
          [],
        ])
        expect(await store.read.accessRequests.waiting()).toEqual({ open: 1, unreviewed: 1 })
        const good = async (ms: number, more: Partial<GrantPlace> = {}) =>
          (await store.read.grants.goodFor({ ...place, ...more }, clock.now() + ms))?.id
        expect([await good(0), await good(19), await good(20), await good(-1)]).toEqual([
          'grt_2',
          'grt_2',
          undefined,
          undefined,
        ])
        for (const other of [
          { principalId: 'user:bob' },
          { actorKeys: ['user:alice', 'agent:robot via agent:other'] },
          { resource: 'x' },
          { account: 'app' },
        ])
          expect(await good(0, other)).toBeUndefined()
        const listed = async (goodAtMs: number) =>
          (await store.read.grants.list({ principalId: place.principalId, goodAtMs, limit: 9 })).map(
            ({ id }) => id,
          )
        expect(await listed(clock.now() + 10)).toEqual(['grt_2'])
        expect(await store.read.grants.list({ limit: 9 })).toHaveLength(2)
        expect(await store.read.grants.list({ principalId: 'user:bob', limit: 9 })).toEqual([])
      })

      test('and ends grants once and for good, tells of it, and touches none that is over', async () => {
        await ask()
        await ask({ id: 'req_2' as AccessRequestId }, 'unreviewed')
        await give('grt_1', 'req_1', 10)
        await give('grt_2', 'req_2', 20)
        const told: StoreChange[] = []
        using _listening = store.onCommit((changes) => void told.push(...changes))
        const revoke = () => system((tx) => tx.grants.revoke({ id: 'grt_1' }, 'user:bob', 'done'))
        expect(await Promise.all([revoke(), revoke()])).toEqual([['grt_1'], []])
        expect(told).toEqual([{ table: 'grants', key: 'grt_1', verb: 'ended' }])
        expect(await store.read.grants.get('grt_1')).toMatchObject({
          revokedAt: clock.now(),
          revokedBy: 'user:bob',
          revokedWhy: 'done',
        })
        clock.advance(20)
        expect(await system((tx) => tx.grants.revoke({ resource: 'orders-db' }, 'system', null))).toEqual([])
        await ask({ id: 'req_3' as AccessRequestId }, 'unreviewed')
        await give('grt_3', 'req_3', 20)
        const all = { principalId: place.principalId }
        expect(await system((tx) => tx.grants.revoke(all, 'system', null))).toEqual(['grt_3'])
        expect(await store.read.grants.goodFor(place, clock.now())).toBeUndefined()
      })

      test('and tells webhooks of each grant’s end once: at its time, or when it is revoked before', async () => {
        await system((tx) =>
          tx.webhooks.put({
            name: 'ops',
            url: 'https://hooks.example/',
            events: ['access-requested', 'grant-ended'],
            form: 'json',
            statements: 'shortened',
            allow: { http: false, private: false },
          }),
        )
        const told = async () => {
          const [next] = await store.read.webhooks.due(clock.now(), [])
          if (next !== undefined) await system((tx) => tx.webhooks.delivered(next.id))
          return next
        }
        await ask()
        expect(await told()).toMatchObject({
          event: 'access-requested',
          news: { request: { id: request.id } },
        })
        await give('grt_1', request.id, 10)
        expect(await told()).toBeUndefined()
        clock.advance(10)
        expect(await told()).toMatchObject({
          event: 'grant-ended',
          at: clock.now(),
          news: { grant: { id: 'grt_1', revokedBy: null } },
        })
        await ask({ id: 'req_2' as AccessRequestId, resource: 'other' })
        await told()
        await give('grt_2', 'req_2', 10)
        await system((tx) => tx.grants.revoke({ id: 'grt_2' }, 'user:bob', 'done'))
        expect(await told()).toMatchObject({
          event: 'grant-ended',
          news: { grant: { id: 'grt_2', revokedBy: 'user:bob', revokedWhy: 'done' } },
        })
        clock.advance(10)
        expect(await told()).toBeUndefined()
      })

      test('and knows when somebody was last on what', async () => {
        const session = {
          principal: alice.principal,
          actor: alice.actor,
          resource: 'orders-db',
          protocol: 'postgres',
          clientAddress: '10.0.0.9:40112',
          policyVersion: '3',
          grantId: 'grt_1' as GrantId,
          token: null,
        }
        for (const [i, account] of ['app', 'admin', 'app'].entries()) {
          clock.advance(1)
          await store.traffic.sessionOpened({ ...session, id: `ses_${i}` as SessionId, account })
        }
        const uses = await store.read.sessions.lastUses(alice.principal.id)
        expect(uses.toSorted((a, b) => a.at - b.at)).toEqual([
          { resource: 'orders-db', account: 'admin', at: clock.now() - 1 },
          { resource: 'orders-db', account: 'app', at: clock.now() },
        ])
        expect(await store.read.sessions.lastUses('user:bob')).toEqual([])
        expect(await store.read.sessions.get('ses_1')).toMatchObject({ grantId: 'grt_1' })
      })
    })

    describe('keeps what webhooks are to be told', () => {
      const webhook = (name: string, more: Partial<Webhook> = {}): Webhook => ({
        name,
        url: `https://${name}.example/secret-path`,
        events: ['review-asked', 'grant-ended'],
        form: 'json',
        statements: 'shortened',
        allow: { http: false, private: false },
        ...more,
      })
      const declare = (...all: readonly Webhook[]) =>
        system(async (tx) => {
          for (const one of all) await tx.webhooks.put(one)
        })
      const ask = (text = 'update t set a = 1', id = 'rev_W'): Promise<unknown> =>
        system((tx) => tx.reviews.ask({ ...asked, text, id: id as ReviewId }))
      const asked = {
        session: 'ses_1' as SessionId,
        digest: 'd',
        requester: alice.principal,
        actor: alice.actor,
        resource: 'orders-db',
        account: 'app',
        parameters: ['hunter2'],
        reason: null,
        policies: [],
        needs: [{ groups: ['dba'], approvals: 1 }],
        expiresAt: 2,
        blastRadius: { kind: 'rows', rows: 3 },
      } as const

      test('each what it wants to know, in the transaction of what it tells of, or not at all', async () => {
        await declare(
          webhook('a'),
          webhook('b', { statements: 'none' }),
          webhook('c', { events: ['break-glass'] }),
        )
        await ask('x'.repeat(3000))
        const due = await store.read.webhooks.due(clock.now(), [])
        expect(due).toMatchObject([
          {
            webhook: 'a',
            event: 'review-asked',
            attempts: 0,
            news: { about: 'review', review: { state: 'open', blastRadius: { rows: 3 } } },
          },
          { webhook: 'b', news: { review: { text: '' } } },
        ])
        const [first] = due
        expect(first?.news.about === 'review' && first.news.review.text).toHaveLength(2001)
        expect(JSON.stringify(due)).not.toContain('hunter2')
        const failed = store.write('system', 'x', async (tx) => {
          await tx.reviews.ask({ ...asked, text: 't', id: 'rev_X' as ReviewId })
          throw new Error('rolled back')
        })
        await expect(failed).rejects.toThrow('rolled back')
        expect(await store.read.webhooks.backlog(clock.now())).toEqual([
          { webhook: 'a', waiting: 1, dead: 0, oldestAt: clock.now() },
          { webhook: 'b', waiting: 1, dead: 0, oldestAt: clock.now() },
          { webhook: 'c', waiting: 0, dead: 0, oldestAt: null },
        ])
      })

      test('one at a time of each, the longest waiting first, and none of those that are busy', async () => {
        await declare(webhook('a'), webhook('b'))
        for (const id of ['rev_1', 'rev_2', 'rev_3']) {
          clock.advance(1)
          await ask('t', id)
        }
        const due = await store.read.webhooks.due(clock.now(), [])
        expect(
          due.map(({ webhook: name, news }) => [name, news.about === 'review' && news.review.id]),
        ).toEqual([
          ['a', 'rev_1'],
          ['b', 'rev_1'],
        ])
        expect((await store.read.webhooks.due(clock.now(), ['a'])).map((one) => one.webhook)).toEqual(['b'])
        await system((tx) => tx.webhooks.failed(due[0]!.id, 'it answered 500', { dueAt: clock.now() + 10 }))
        expect((await store.read.webhooks.due(clock.now(), ['b']))[0]?.news).toMatchObject({
          review: { id: 'rev_2' },
        })
        expect(await store.read.webhooks.nextDueAt(clock.now())).toBe(clock.now() + 10)
        expect(await store.read.webhooks.backlog(clock.now())).toMatchObject([
          { webhook: 'a', waiting: 3, oldestAt: clock.now() - 2 },
          { webhook: 'b', waiting: 3 },
        ])
      })

      test('and what was given up, until it is sent again, or its webhook is gone', async () => {
        await declare(webhook('a'))
        await ask()
        const [one] = await store.read.webhooks.due(clock.now(), [])
        await system((tx) => tx.webhooks.failed(one!.id, 'it answered 500', 'dead'))
        expect(await store.read.webhooks.due(clock.now(), [])).toEqual([])
        expect(await store.read.webhooks.failures(10)).toMatchObject([
          { id: one!.id, attempts: 1, problem: 'it answered 500', triedAt: clock.now() },
        ])
        expect(await system((tx) => tx.webhooks.resend({ webhook: 'b' }))).toBe(0)
        expect(await system((tx) => tx.webhooks.resend({ id: one!.id }))).toBe(1)
        expect(await store.read.webhooks.due(clock.now(), [])).toMatchObject([{ id: one!.id, attempts: 0 }])
        expect(await system((tx) => tx.webhooks.delete('a'))).toBe(true)
        expect(await store.read.webhooks.due(clock.now(), [])).toEqual([])
        const audit = JSON.stringify(await store.read.audit.list(20))
        expect(audit).toContain('https://a.example')
        expect(audit).not.toContain('secret-path')
      })
    })

    test('lists credentials by name, without what is in them', async () => {
      await system(async (tx) => {
        await tx.credentials.put('b', Uint8Array.of(1))
        await tx.credentials.put('a', Uint8Array.of(2))
        await tx.credentials.put('a', Uint8Array.of(3))
      })
      expect(await store.read.credentials.list()).toEqual([
        { name: 'a', updatedAt: clock.now() },
        { name: 'b', updatedAt: clock.now() },
      ])
      expect(bytes(await store.read.credentials.get('a'))).toEqual([3])
      expect(await system((tx) => tx.credentials.delete('a'))).toBe(true)
      expect(await store.read.credentials.get('a')).toBeUndefined()
    })

    test('says that it can be written', async () => {
      await expect(store.check()).resolves.toBeUndefined()
    })
  })
}

const resource = postgresResource({ tls: { mode: 'disable' } }) as Resource
const robotActor: Actor = { kind: 'agent', id: 'agent:robot', name: 'robot' }

function bytes(value: Uint8Array | undefined): readonly number[] {
  return [...(value ?? [])]
}
