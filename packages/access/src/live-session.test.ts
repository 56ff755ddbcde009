import { Fault, type Session } from '@sallyport/core'
import type { DecisionPoint } from '@sallyport/policy'
import { nodeDisk, type Disk } from '@sallyport/recording'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done, facts, operation, pointOf, quietly, rules, startWorld, type World } from '../test/world.ts'

describe('an operation that policy permits', () => {
  it('is permitted in the same turn, and recorded', async () => {
    await using world = await startWorld()
    const session = await world.session()
    const permit = session.authorize(operation('select 1', ['a', null]), facts('read'), quietly)
    expect(permit).toMatchObject({ kind: 'permit', id: 1 })
    if (!('id' in permit)) throw new Error('not permitted')
    session.commit()
    world.clock.advance(25)
    world.clock.set(-60_000) // somebody sets the time: that is no part of how long it took
    session.finish(permit, done)
    await Promise.resolve() // the answer leaves first
    expect((await world.recorded(session)).slice(1)).toMatchObject([
      {
        kind: 'operation',
        id: 1,
        text: 'select 1',
        parameters: ['a', null],
        effect: 'allow',
        policies: ['readers'],
      },
      { kind: 'result', id: 1, outcome: done, durationMs: 25 },
    ])
  })

  it('carries the tags that stay masked, the same set while nothing changes', async () => {
    const masking = {
      mode: 'strict',
      columns: [{ column: 'public.customers.email', tag: 'pii.email' }],
      detectors: [],
      redactors: {},
    } as const
    await using world = await startWorld({ resource: { masking } })
    const session = await world.session()
    const masked = session.maskedTags()
    expect([...masked]).toEqual(['pii.email'])
    const permit = session.authorize(operation('select 1'), facts('read'), quietly)
    expect('obligations' in permit && permit.obligations.maskedTags).toBe(masked)
    expect(session.maskedTags()).toBe(masked)
    world.policy.replace(pointOf(`${rules} permit (principal, action == Action::"unmask", resource);`))
    expect([...session.maskedTags()]).toEqual([])
  })

  it('is on the disk before it is permitted, where the resource is recorded strictly', async () => {
    let synced = 0
    const disk: Disk = {
      ...nodeDisk,
      async sync(file) {
        await nodeDisk.sync(file)
        synced++
      },
    }
    await using world = await startWorld({ disk, resource: { recording: 'strict' } })
    const session = await world.session()
    const before = synced
    const answer = session.authorize(operation('select 1'), facts('read'), quietly)
    expect(answer).toBeInstanceOf(Promise)
    expect(await answer).toMatchObject({ kind: 'permit' })
    expect(synced).toBeGreaterThan(before)
  })
})

describe('an operation that policy does not permit', () => {
  it.each([
    ['forbidden, in the policy’s words', facts('ddl'), 'denied', 'the schema is changed by migrations only'],
    [
      'permitted to nobody',
      facts('unparsed'),
      'unparsed',
      'no policy permits unparsed on shop.public.orders',
    ],
    ['nothing to judge', [], 'denied', 'there is nothing to judge'],
  ] as const)('is refused: %s', async (_, what, code, reason) => {
    await using world = await startWorld()
    const session = await world.session()
    expect(session.authorize(operation('x'), what, quietly)).toEqual({ kind: 'refusal', code, reason })
    expect((await world.recorded(session))[1]).toMatchObject({
      kind: 'operation',
      text: 'x',
      effect: 'deny',
      reason,
    })
    expect(world.events).toContainEqual({
      kind: 'operation-refused',
      session: session.id,
      resource: 'orders-db',
      code,
    })
  })

  it('is refused where it would use the clear value of what the subject sees masked', async () => {
    const masking = {
      mode: 'strict',
      columns: [{ column: 'public.customers.email', tag: 'pii.email' }],
      detectors: [],
      redactors: {},
    } as const
    await using world = await startWorld({ resource: { masking } })
    const session = await world.session()
    expect(session.authorize(operation('x'), facts('read', ['pii.email']), quietly)).toMatchObject({
      code: 'masked-column',
    })
  })

  it('is recorded, too, where its protocol refused it before policy was asked', async () => {
    await using world = await startWorld()
    const session = await world.session()
    const refused = { kind: 'refusal', code: 'too-complex', reason: 'too deep' } as const
    expect(session.refuse(operation('((((1))))'), refused)).toBe(refused)
    expect((await world.recorded(session))[1]).toMatchObject({
      id: 1,
      text: '((((1))))',
      facts: [],
      effect: 'deny',
      policies: [],
      reason: 'too deep',
    })
  })
})

describe('a session ends', () => {
  const endOf = (session: Session): unknown => session.signal.reason

  it('where it cannot be judged again, and the next one is judged all the same', async () => {
    await using world = await startWorld()
    const first = await world.session()
    const second = await world.session()
    const broken = new Error('a policy that fails')
    let asked = 0
    const none = pointOf('')
    const point: DecisionPoint = {
      ...none,
      at: () => point,
      connect: (...question) => {
        if (asked++ === 0) throw broken
        return none.connect(...question)
      },
    }
    world.policy.replace(point)
    expect(endOf(first)).toMatchObject({ code: 'gateway/internal', cause: broken })
    expect(endOf(second)).toMatchObject({ code: 'access-revoked' })
  })

  it('with its last event, sealed, and indexed with what it did', async () => {
    await using world = await startWorld()
    const session = await world.session()
    void session.authorize(operation('select 1'), facts('read'), quietly)
    void session.authorize(operation('drop table orders'), facts('ddl'), quietly)
    session.ended('client-left', 100, 2_000)
    session.ended('target-left', 0, 0)
    world.clock.advance(1_000)
    world.clock.set(-60_000)
    const endedAt = world.clock.now()
    await session[Symbol.asyncDispose]()
    await session[Symbol.asyncDispose]()
    const totals = { reason: 'client-left', operations: 2, bytesUp: 100, bytesDown: 2_000 }
    expect((await world.recorded(session)).at(-1)).toMatchObject({ kind: 'closed', ...totals })
    expect(await world.recordings.verify(session.id)).toMatchObject({ state: 'sound', events: 4 })
    expect(await world.store.read.sessions.get(session.id)).toMatchObject({
      ...totals,
      endedAt,
      recording: 'sealed',
    })
    expect(world.events.filter(({ kind }) => kind === 'session-ended')).toMatchObject([
      { ...totals, durationMs: 1_000 },
    ])
    expect(world.sessions.list()).toEqual([])
  })

  it('at once when its token is revoked', async () => {
    await using world = await startWorld()
    const { id, token } = await world.token('alice')
    const [session, another] = [await world.session({ credential: token }), await world.session()]
    await world.tokens.revoke('system', id)
    expect(endOf(session)).toMatchObject({ code: 'access-revoked' })
    expect(another.signal.aborted).toBe(false)
  })

  it('at once when its user is disabled', async () => {
    await using world = await startWorld()
    const session = await world.session()
    await world.disable('alice')
    expect(endOf(session)).toMatchObject({ code: 'access-revoked' })
  })

  it('when another policy lets it connect no more, before that policy is in force for anyone', async () => {
    await using world = await startWorld()
    const session = await world.session()
    world.policy.replace(pointOf(rules, '2'))
    expect(session.signal.aborted).toBe(false)
    world.policy.replace(pointOf('', '3'))
    expect(endOf(session)).toMatchObject({ code: 'access-revoked' })
  })

  it('when its user leaves the group by which it could connect', async () => {
    await using world = await startWorld()
    const session = await world.session()
    await world.setGroups('alice', [])
    await vi.waitFor(() => expect(endOf(session)).toMatchObject({ code: 'access-revoked' }))
  })

  it('when its resource is changed or deleted', async () => {
    await using world = await startWorld()
    const changed = await world.session()
    await world.store.write('system', 'move', (tx) => tx.resources.put({ ...changed.resource, port: 5433 }))
    expect(endOf(changed)).toMatchObject({ code: 'access-revoked' })
    const deleted = await world.session()
    await world.store.write('system', 'delete', (tx) => tx.resources.delete('orders-db'))
    expect(endOf(deleted)).toMatchObject({ code: 'access-revoked' })
  })

  it('when someone kills it, with their name and their words on one line, audited', async () => {
    await using world = await startWorld()
    const session = await world.session()
    const bob = await world.person('bob')
    expect(await world.sessions.kill(session.id, bob, 'runaway\nquery')).toBe(true)
    expect(endOf(session)).toMatchObject({ code: 'session-killed', reason: 'ended by bob: runaway query' })
    expect((await world.store.read.audit.list(1))[0]).toMatchObject({
      by: 'user:bob',
      changes: [`session ${session.id} of user:alice on orders-db killed`],
    })
    expect(await world.sessions.kill('ses_NONE', bob)).toBe(false)
  })

  it('permits nothing after its end, and records what was still asked', async () => {
    await using world = await startWorld()
    const session = await world.session()
    await world.sessions.kill(session.id, await world.person('bob'))
    expect(session.authorize(operation('select 1'), facts('read'), quietly)).toMatchObject({
      code: 'session-killed',
    })
    await session[Symbol.asyncDispose]()
    expect((await world.recorded(session)).slice(1)).toMatchObject([
      { kind: 'operation', effect: 'deny' },
      { kind: 'closed', reason: 'session-killed' },
    ])
  })

  it('all of them, when the gateway stops: what is asked then throws its fault', async () => {
    await using world = await startWorld()
    const session = await world.session()
    const fault = new Fault('gateway/draining', 'the gateway is stopping')
    world.sessions.endAll(fault)
    expect(endOf(session)).toBe(fault)
    expect(() => session.authorize(operation('select 1'), facts('read'), quietly)).toThrow(fault)
  })

  it('goes on, judged by its new groups, when its user’s groups change', async () => {
    await using world = await startWorld()
    const session = await world.session()
    await world.setGroups('alice', ['developers', 'dba'])
    await vi.waitFor(() => expect(session.subject.principal.groups).toContain('dba'))
    expect(session.signal.aborted).toBe(false)
  })
})

describe('a session outlives nothing', () => {
  let world: World
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    world = await startWorld()
  })
  afterEach(async () => {
    await world[Symbol.asyncDispose]()
    vi.useRealTimers()
  })

  it('that opened it: it ends when its token does', async () => {
    const session = await world.session()
    await vi.advanceTimersByTimeAsync(3_599_999)
    expect(session.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(session.signal.reason).toMatchObject({ code: 'access-expired' })
  })
})

describe('a policy with hours', () => {
  let world: World
  // The world's clock stands at Thursday, 2026-01-01T00:00:00Z.
  const connect = (hours: string): string => `
@id("office") @hours("${hours}")
permit (principal in Group::"developers", action == Action::"connect", resource);
@id("readers")
permit (principal in Group::"developers", action == Action::"read", resource in Resource::"orders-db");`
  const pass = async (ms: number): Promise<void> => {
    world.clock.advance(ms)
    await vi.advanceTimersByTimeAsync(ms)
  }
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    world = await startWorld({ policy: connect('thu 00:00-00:10 UTC') })
  })
  afterEach(async () => {
    await world[Symbol.asyncDispose]()
    vi.useRealTimers()
  })

  it('ends sessions when its window closes, and tells who comes later of it', async () => {
    const session = await world.session()
    await pass(10 * 60_000 - 1)
    expect(session.signal.aborted).toBe(false)
    await pass(1)
    const reason = 'this is permitted at other hours: thu 00:00-00:10 UTC'
    expect(session.signal.reason).toMatchObject({
      code: 'access-revoked',
      reason: `you may not reach this resource any more: ${reason}`,
    })
    expect(await world.log()).toMatchObject({ code: 'denied', reason })
  })

  it('lets in again when its window opens', async () => {
    world.policy.replace(pointOf(connect('thu 00:03-01:00 UTC'), '2'))
    expect(await world.log()).toMatchObject({ code: 'denied' })
    await pass(3 * 60_000)
    expect(await world.log()).toMatchObject({ kind: 'session' })
  })

  it('is judged by the hour when it is applied, not only at the next', async () => {
    const session = await world.session()
    world.policy.replace(pointOf(connect('fri 00:00-01:00 UTC'), '2'))
    expect(session.signal.aborted).toBe(true)
  })

  it('follows a clock that was set, within a minute', async () => {
    const session = await world.session()
    world.clock.set(3_600_000)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(session.signal.aborted).toBe(true)
  })
})

describe('a disk that cannot record', () => {
  it('ends every session, and lets nothing run', async () => {
    let isFull = false
    const disk: Disk = {
      ...nodeDisk,
      write(file, bytes) {
        if (isFull) throw new Error('ENOSPC: no space left on device, write')
        nodeDisk.write(file, bytes)
      },
    }
    const world = await startWorld({ disk })
    const [session, bystander] = [await world.session(), await world.session()]
    isFull = true
    void session.authorize(operation('select 1'), facts('read'), quietly)
    expect(() => session.commit()).toThrow(expect.objectContaining({ code: 'gateway/cannot-record' }))
    for (const one of [session, bystander]) {
      expect(one.signal.reason).toMatchObject({ code: 'gateway/cannot-record' })
      expect(() => one.authorize(operation('select 1'), facts('read'), quietly)).toThrow(
        expect.objectContaining({ code: 'gateway/cannot-record' }),
      )
    }
    await expect(world.log()).rejects.toMatchObject({ code: 'gateway/cannot-record' })
    await session[Symbol.asyncDispose]()
    expect(await world.store.read.sessions.get(session.id)).toMatchObject({
      reason: 'gateway/cannot-record',
      recording: 'interrupted',
    })
    expect(world.events).toContainEqual(
      expect.objectContaining({ kind: 'trouble', session: session.id, code: 'gateway/cannot-record' }),
    )
    await world[Symbol.asyncDispose]()
  })
})
