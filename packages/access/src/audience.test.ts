import type { Session, Subject } from '@sallyport/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done, facts, operation, pointOf, rules, startWorld, type World } from '../test/world.ts'
import type { LiveSession } from './live-session.ts'
import { maxWatchers } from './audience.ts'
import { maxWaitingBytes, silentMs } from './watching.ts'

/** What changes is watched by a DBA; one change is reviewed, too. */
const watched = `${rules.replace('@id("reviewed-updates") @review("dba") @within("10m") @reason("changes are reviewed")', '@id("watched") @watched("dba")')}`

const world = (policy = watched): Promise<World> => startWorld({ policy })

function join(session: Session, by: Subject) {
  const watching = (session as LiveSession).audience.join(by)
  if (watching === undefined) throw new Error('they may not watch')
  return watching
}

const change = (session: Session, told: string[] = [], signal?: AbortSignal) =>
  session.authorize(operation('update orders'), facts('update'), (words) => told.push(words), signal)

describe('who watches a session', () => {
  it('sees what is recorded of it from then on, numbered as in the recording', async () => {
    await using it = await world()
    const session = await it.session()
    const dba = join(session, await it.person('dora'))
    const permit = session.authorize(operation('select 1'), facts('read'), () => undefined)
    if (!('id' in permit)) throw new Error('not permitted')
    session.note({ kind: 'output', id: permit.id, stream: 'stdout', bytes: Buffer.from('1') })
    session.finish(permit, done)
    session.commit()
    const { events, end } = await dba.next(0)
    expect(end).toBe(undefined)
    const recorded = await it.recorded(session)
    const { at: _, ...first } = recorded[2]!
    expect(events[0]).toMatchObject(first)
    expect(events.map(({ seq, kind }) => [seq, kind])).toEqual([
      [3, 'operation'],
      [4, 'output'],
      [5, 'result'],
    ])
  })

  it('is told that there is nothing only when nothing has come for a while', async () => {
    await using it = await world()
    const session = await it.session()
    const dba = join(session, await it.person('dora'))
    session.refuse(operation('x'), { kind: 'refusal', code: 'too-complex', reason: 'too deep' })
    expect((await dba.next(0)).events).toHaveLength(1)
    const from = performance.now()
    expect((await dba.next(50)).events).toHaveLength(0)
    expect(performance.now() - from).toBeGreaterThan(40)
  })

  it('is named in the recording, when they came and when they left', async () => {
    await using it = await world()
    const session = await it.session()
    join(session, await it.person('dora')).end('they left')
    expect((await it.recorded(session)).slice(1)).toMatchObject([
      { kind: 'watcher', by: 'user:dora', state: 'came' },
      { kind: 'watcher', by: 'user:dora', state: 'left' },
    ])
  })

  it('is left behind, in words, where they are too slow, and the session goes on', async () => {
    await using it = await world()
    const session = await it.session()
    const [slow, quick] = [join(session, await it.person('dora')), join(session, await it.person('carol'))]
    const bytes = Buffer.alloc(maxWaitingBytes / 8)
    const all = []
    for (let i = 0; i < 9; i++) {
      session.note({ kind: 'output', id: 1 as never, stream: 'stdout', bytes })
      all.push(...(await quick.next(0)).events)
    }
    const seen = []
    for (let next = await slow.next(0); ; next = await slow.next(0)) {
      seen.push(...next.events)
      if (next.end === undefined) continue
      expect(next.end).toContain('behind the session')
      break
    }
    expect(seen.length).toBeLessThan(9)
    expect(all).toHaveLength(10)
    expect(all).toContainEqual(expect.objectContaining({ kind: 'watcher', by: 'user:dora', state: 'left' }))
  })

  it('sees its end, and then that there is no more', async () => {
    await using it = await world()
    const session = await it.session()
    const dba = join(session, await it.person('dora'))
    session.ended('client-left', 1, 2)
    await session[Symbol.asyncDispose]()
    expect(await dba.next(0)).toMatchObject({ events: [{ kind: 'closed' }], end: 'the session has ended' })
    expect((session as LiveSession).audience.join(await it.person('carol'))).toBe(undefined)
  })

  it('is one of so many at most', async () => {
    await using it = await world()
    const session = await it.session()
    const dora = await it.person('dora')
    for (let i = 0; i < maxWatchers; i++) join(session, dora)
    expect((session as LiveSession).audience.join(dora)).toBe(undefined)
  })
})

describe('an operation that is permitted while somebody watches', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
  afterEach(() => void vi.useRealTimers())

  it('is permitted at once where they watch already', async () => {
    await using it = await world()
    const session = await it.session()
    join(session, await it.person('dora'))
    const permit = change(session)
    expect(permit).toMatchObject({ kind: 'permit', obligations: { watchers: [['dba']] } })
    if (!('id' in permit)) throw new Error('not permitted')
    expect(session.audience.isPresent(permit)).toBe(true)
    expect(session.stands(permit, facts('update'))).toBe(true)
  })

  it('waits for them, says for whom, and runs when they come', async () => {
    await using it = await world()
    const session = await it.session()
    const told: string[] = []
    const answer = change(session, told)
    expect(answer).toBeInstanceOf(Promise)
    await Promise.resolve()
    expect(told).toEqual([
      `waiting for somebody of dba to watch: sallyport sessions watch ${session.id}, within 15 min`,
    ])
    join(session, await it.person('dora'))
    expect(await answer).toMatchObject({ kind: 'permit' })
    expect((await it.recorded(session)).slice(1)).toMatchObject([
      { kind: 'watch-asked', watchers: [['dba']], text: 'update orders' },
      { kind: 'watcher', by: 'user:dora', state: 'came' },
      { kind: 'operation', effect: 'allow', policies: ['watched'] },
    ])
    expect(it.events).toContainEqual({ kind: 'watch-asked', session: session.id, watchers: ['dba'] })
  })

  it('does not stand any more when the last of them has left, and whoever waits for that is told', async () => {
    await using it = await world()
    const session = await it.session()
    const [one, other] = [join(session, await it.person('dora')), join(session, await it.person('dora'))]
    const permit = change(session)
    if (!('id' in permit)) throw new Error('not permitted')
    const present: boolean[] = []
    using _told = session.audience.onChange(() => present.push(session.audience.isPresent(permit)))
    one.end('left')
    other.end('left')
    join(session, await it.person('dora'))
    expect(present).toEqual([true, false, true])
  })

  it('is refused at once where it could not pause, whoever watches', async () => {
    await using it = await world()
    const session = await it.session()
    const asked = { ...operation('forward orders'), cannotPause: true }
    const ask = () => session.authorize(asked, facts('update'), () => undefined)
    expect(ask()).toMatchObject({ code: 'not-watched' })
    join(session, await it.person('dora'))
    expect(ask()).toMatchObject({
      code: 'not-watched',
      reason: 'somebody of dba must watch it, and it could not pause when they leave',
    })
    expect(session.authorize(operation('update orders'), facts('update'), () => undefined)).toMatchObject({
      kind: 'permit',
    })
  })

  it('is refused when nobody has come in time', async () => {
    await using it = await world()
    const session = await it.session()
    const answer = change(session)
    await Promise.resolve()
    it.clock.advance(15 * 60_000)
    vi.advanceTimersByTime(10_000)
    expect(await answer).toMatchObject({
      code: 'not-watched',
      reason: 'somebody of dba did not come to watch within 15 min',
    })
  })

  it('is given up with its session, and when its client takes it back', async () => {
    await using it = await world()
    const session = await it.session()
    const cancel = new AbortController()
    const answer = change(session, [], cancel.signal)
    cancel.abort()
    expect(await answer).toMatchObject({ code: 'not-watched' })
  })

  it('is judged again when they come', async () => {
    await using it = await world()
    const session = await it.session()
    const answer = change(session)
    it.policy.replace(pointOf(watched.replace('action == Action::"update"', 'action == Action::"read"')))
    join(session, await it.person('dora'))
    expect(await answer).toMatchObject({ code: 'denied' })
  })

  it('is not watched by its own principal, not by an agent for somebody, and not by who is in another group', async () => {
    await using it = await world()
    await it.setGroups('alice', ['developers', 'dba'])
    await it.setGroups('carol', ['security'])
    const session = await it.session()
    join(session, await it.person('alice'))
    const dora = await it.person('dora')
    join(session, { principal: dora.principal, actor: { kind: 'agent', id: 'agent:bot', name: 'bot' } })
    join(session, await it.person('carol'))
    const told: string[] = []
    const answer = change(session, told)
    expect(answer).toBeInstanceOf(Promise)
    join(session, dora)
    expect(await answer).toMatchObject({ kind: 'permit' })
  })

  it('is not watched any more by who is not heard of', async () => {
    await using it = await world()
    const session = await it.session()
    const dora = join(session, await it.person('dora'))
    const permit = change(session)
    if (!('id' in permit)) throw new Error('not permitted')
    it.clock.advance(silentMs - 1)
    dora.heard()
    it.clock.advance(silentMs - 1)
    vi.advanceTimersByTime(5_000)
    expect(session.audience.isPresent(permit)).toBe(true)
    it.clock.advance(1)
    vi.advanceTimersByTime(5_000)
    expect(session.audience.isPresent(permit)).toBe(false)
    expect(await dora.next(0)).toMatchObject({ end: 'nothing was heard of you any more' })
  })
})
