import type { Grant } from '@sallyport/store'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { accounts, answer, ask, grant, helper, hourMs, question, rules, start } from '../test/grants.ts'
import { pointOf, type World } from '../test/world.ts'

const minuteMs = 60_000

describe('a grant', () => {
  const admin = { account: 'admin' }

  it('is what lets in, and the session says which it stands on', async () => {
    await using world = await start()
    const refused = await world.log(admin)
    expect(refused).toEqual({
      kind: 'refusal',
      code: 'not-granted',
      reason:
        'access has to be asked for (production is left alone): sallyport request orders-db --account admin --for 2h --reason "…"',
    })
    const { id } = await grant(world)
    const session = await world.session(admin)
    expect(await world.recorded(session)).toMatchObject([{ kind: 'opened', account: 'admin', grant: id }])
    expect(await world.store.read.sessions.get(session.id)).toMatchObject({ grantId: id })
    expect(world.events).toContainEqual(expect.objectContaining({ kind: 'session-opened', grant: id }))
  })

  it('serves nobody else, through nothing else, on no other account and no other resource', async () => {
    await using world = await start()
    await grant(world)
    const others = [
      { ...admin, credential: (await world.token('dora')).token },
      { ...admin, credential: (await world.token('alice', helper)).token },
    ]
    for (const claim of others) expect(await world.log(claim)).toMatchObject({ code: 'not-granted' })
    const other = { name: 'other-db', accounts }
    const declared = (await world.store.read.resources.get('orders-db'))!
    await world.store.write('system', 'x', (tx) => tx.resources.put({ ...declared, ...other }))
    expect(await world.log({ ...admin, resource: 'other-db' })).toMatchObject({ code: 'not-granted' })
    expect(await world.log({ ...admin })).toMatchObject({ kind: 'session' })
  })

  it('that an agent got serves that agent, and not the person it acts for', async () => {
    await using world = await start()
    const agent = { principal: (await world.person('alice')).principal, actor: helper }
    const asked = await world.requests.ask(agent, question)
    if (asked.kind !== 'asked') throw new Error(asked.reason)
    await answer(world, 'bob', asked.request)
    expect(await world.log(admin)).toMatchObject({ code: 'not-granted' })
    const { token } = await world.token('alice', helper)
    expect(await world.log({ ...admin, credential: token })).toMatchObject({ kind: 'session' })
  })

  it('lets nobody in from its end on', async () => {
    await using world = await start()
    await grant(world)
    world.clock.advance(hourMs - 1)
    expect(await world.log(admin)).toMatchObject({ kind: 'session' })
    world.clock.advance(1)
    expect(await world.log(admin)).toMatchObject({ code: 'not-granted' })
  })

  it('is revoked by its holder, by who reviews such requests and by administrators; by nobody else, and once', async () => {
    await using world = await start()
    await world.store.write('system', 'hire', (tx) =>
      tx.users.create({ name: 'root', displayName: 'root', groups: ['administrators'] }),
    )
    const revoke = async (who: string, { id }: Grant) =>
      world.requests.revoke(await world.person(who), id, 'done')
    for (const who of ['alice', 'carol', 'root']) {
      const given = await grant(world)
      await world.setGroups('dora', ['developers'])
      expect(await revoke('dora', given)).toBeUndefined()
      expect(await revoke(who, given)).toMatchObject({ revokedBy: `user:${who}`, revokedWhy: 'done' })
      expect(await revoke(who, given)).toBe(false)
      expect(await world.log(admin)).toMatchObject({ code: 'not-granted' })
    }
  })

  it('that was revoked ends the sessions that stood on it before the revocation is done, and no others', async () => {
    await using world = await start()
    const given = await grant(world)
    const stands = await world.session(admin)
    const other = await world.session()
    expect(stands.signal.aborted).toBe(false)
    await world.requests.revoke(await world.person('bob'), given.id)
    expect(stands.signal.reason).toMatchObject({ code: 'access-revoked', reason: 'the grant was revoked' })
    expect(other.signal.aborted).toBe(false)
  })

  it('that is revoked while a session is being opened lets no session in', async () => {
    await using world = await start()
    const given = await grant(world)
    const bob = await world.person('bob')
    const [session] = await Promise.all([world.log(admin), world.requests.revoke(bob, given.id)])
    const isIn = session.kind === 'session' && !session.signal.aborted
    expect(isIn).toBe(false)
  })

  it('ends sessions of who was disabled, and is no longer good when they are back', async () => {
    await using world = await start()
    await grant(world)
    await world.disable('alice')
    await world.store.write('system', 'x', (tx) => tx.users.enable('alice'))
    expect(await world.log(admin)).toMatchObject({ code: 'not-granted' })
  })

  it('does not end a session that policy has come to permit without it', async () => {
    await using world = await start()
    const given = await grant(world)
    const session = await world.session(admin)
    const plain = '@id("plain") permit (principal, action == Action::"connect", resource);'
    world.policy.replace(pointOf(plain, '2'))
    await world.requests.revoke(await world.person('alice'), given.id)
    expect(session.signal.aborted).toBe(false)
    world.policy.replace(pointOf(rules, '3'))
    expect(session.signal.reason).toMatchObject({ code: 'access-revoked' })
  })

  it('is no protection from a policy that forbids', async () => {
    await using world = await start()
    await grant(world)
    const session = await world.session(admin)
    world.policy.replace(
      pointOf(`${rules}\n@id("stop") forbid (principal, action == Action::"connect", resource);`, '2'),
    )
    expect(session.signal.reason).toMatchObject({ code: 'access-revoked' })
    expect(await world.log(admin)).toMatchObject({ code: 'no-such-access' })
  })
})

describe('a session that stands on a grant', () => {
  let world: World
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    world = await start()
  })
  afterEach(async () => {
    await world[Symbol.asyncDispose]()
    vi.useRealTimers()
  })

  const halfHour = async (): Promise<Awaited<ReturnType<World['session']>>> => {
    await answer(world, 'bob', await ask(world, 'alice', { durationMs: hourMs / 2 }))
    return world.session({ account: 'admin' })
  }

  const pass = async (ms: number): Promise<void> => {
    // The clock goes with the timers: who looks at it again in a minute sees a minute gone.
    for (let left = ms; left > 0; left -= minuteMs) {
      const step = Math.min(left, minuteMs)
      world.clock.advance(step)
      await vi.advanceTimersByTimeAsync(step)
    }
  }

  it('ends with it, and is told how to go on', async () => {
    const session = await halfHour()
    await pass(hourMs / 2 - 1)
    expect(session.signal.aborted).toBe(false)
    await pass(1)
    expect(session.signal.reason).toMatchObject({
      code: 'access-expired',
      reason: 'the grant has ended',
      next: 'ask again where you need it longer: sallyport request orders-db',
    })
  })

  it('outlives it where policy permits it by then without one', async () => {
    const session = await halfHour()
    world.policy.replace(
      pointOf('@id("plain") permit (principal, action == Action::"connect", resource);', '2'),
    )
    await pass(hourMs / 2)
    expect(session.signal.aborted).toBe(false)
  })

  it('ends within a minute where the clock was set beyond its end', async () => {
    const session = await halfHour()
    world.clock.set(hourMs)
    await vi.advanceTimersByTimeAsync(minuteMs)
    expect(session.signal.reason).toMatchObject({ code: 'access-expired' })
  })
})
