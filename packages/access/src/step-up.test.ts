import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { isRefusal, type Refusal, type Session, type SignedIn } from '@sallyport/core'
import { facts, operation, pointOf, quietly, startWorld, type World } from '../test/world.ts'

const minuteMs = 60_000
const issuer = 'https://idp.example'

/** Alice, who has signed in at a provider. */
async function signIn(world: World, signedIn: SignedIn) {
  const id = 'sgn_1'
  const row = { id, userName: 'alice', issuer, sid: null, refresh: null, signedIn }
  await world.store.write('system', 'sign in', (tx) => tx.signIns.add(row))
  const minted = await world.tokens.mint('system', {
    principalId: 'user:alice' as never,
    label: 'x',
    signIn: id,
  })
  if (isRefusal(minted)) throw new Error(minted.reason)
  const anew = (now: SignedIn) =>
    world.store.write('system', 'x', (tx) =>
      tx.signIns.renew(id, { signedIn: now, sid: null, refresh: null }),
    )
  return { token: minted, anew }
}

const ask = (session: Session, action: string) =>
  session.authorize(operation(action), facts(action), quietly) as Refusal | { kind: 'permit' }

describe('an operation for which policy asks for another sign-in', () => {
  const rules = `
    @id("in") permit (principal, action in [Action::"connect", Action::"read"], resource);
    @id("updates") @stepup("phr,x/y") @reason("writes take a key") permit (principal, action == Action::"update", resource);`

  it('is refused with where to get it, and permitted in the same session once it is there', async () => {
    await using world = await startWorld()
    world.policy.replace(pointOf(rules))
    const { token, anew } = await signIn(world, { acr: ['pwd'], amr: [] })
    const session = await world.session({ credential: token.token })
    const refused = ask(session, 'update')
    expect(refused).toEqual({
      kind: 'refusal',
      code: 'step-up',
      reason: 'this needs a sign-in by phr or x/y (writes take a key)',
      next: 'open https://gateway.example/sign-in/step-up/sgn_1?acr=phr+x%2Fy , then run it again',
    })
    await anew({ acr: ['phr'], amr: [] })
    await expect.poll(() => session.subject.signedIn?.acr).toEqual(['phr'])
    const permit = session.authorize(operation('update'), facts('update'), quietly)
    if (!('obligations' in permit)) throw new Error('not permitted')
    expect(session.stands(permit, facts('update'))).toBe(true)
    await anew({ acr: ['pwd'], amr: [] })
    await expect.poll(() => session.subject.signedIn?.acr).toEqual(['pwd'])
    expect(session.stands(permit, facts('update'))).toBe(false)
    expect(ask(session, 'update')).toMatchObject({ code: 'step-up' })
    session.commit()
    expect((await world.recorded(session)).filter(({ kind }) => kind === 'operation')).toMatchObject([
      {
        effect: 'deny',
        policies: ['step-up', 'updates'],
        reason: refused.kind === 'refusal' ? refused.reason : '',
      },
      { effect: 'allow', policies: ['updates'] },
      { effect: 'deny' },
    ])
  })

  it('is for the person of an agent to sign in for, and for nobody where no provider has signed anybody in', async () => {
    await using world = await startWorld()
    world.policy.replace(pointOf(rules))
    const local = await world.session()
    expect(ask(local, 'update')).toMatchObject({
      next: 'sign in anew, and connect again: sallyport login --acr phr',
    })
    const { token } = await signIn(world, { acr: [], amr: [] })
    const agent = await world.tokens.mint('system', {
      principalId: token.principalId,
      label: 'agent',
      by: token.id,
      actor: { kind: 'agent', id: 'agent:claude', name: 'claude' },
    })
    if (isRefusal(agent)) throw new Error(agent.reason)
    const refused = ask(await world.session({ credential: agent.token }), 'update')
    expect(refused).toMatchObject({
      next: expect.stringMatching(/^it is for alice to open https:/) as string,
    })
  })
})

describe('a connection for which policy asks for a sign-in of late', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())
  const rules = `@id("in") @max_age("15m") permit (principal, action in [Action::"connect", Action::"read"], resource);`
  const after = async (world: World, ms: number) => {
    world.clock.advance(ms)
    await vi.advanceTimersByTimeAsync(ms)
  }

  it('is let in then, and ended when that is too long ago, unless there is another', async () => {
    await using world = await startWorld()
    world.policy.replace(pointOf(rules))
    const { token, anew } = await signIn(world, { acr: [], amr: [], atMs: world.clock.now() })
    const session = await world.session({ credential: token.token })
    await after(world, 10 * minuteMs)
    await anew({ acr: [], amr: [], atMs: world.clock.now() })
    await after(world, 10 * minuteMs)
    expect(session.signal.aborted).toBe(false)
    expect(ask(session, 'read').kind).toBe('permit')
    await after(world, 5 * minuteMs)
    expect(ask(session, 'read')).toMatchObject({ code: 'step-up' })
    await after(world, minuteMs)
    expect(session.signal.reason).toMatchObject({
      code: 'step-up',
      reason: 'this needs a sign-in at most 15 min ago',
      next: 'open https://gateway.example/sign-in/step-up/sgn_1?max_age=900 , then connect again',
    })
    expect(await world.log({ credential: token.token })).toMatchObject({ code: 'step-up' })
  })

  it('is asked for by nobody whom another policy refuses: they learn nothing of the resource', async () => {
    await using world = await startWorld()
    world.policy.replace(pointOf(`${rules} @id("no") forbid (principal, action, resource);`))
    const { token } = await signIn(world, { acr: [], amr: [] })
    expect(await world.log({ credential: token.token })).toMatchObject({ code: 'no-such-access' })
  })

  it('may be asked for access to, and is let in by the grant with such a sign-in alone', async () => {
    await using world = await startWorld()
    world.policy.replace(
      pointOf(
        '@id("in") @stepup("phr") @request("dba") permit (principal, action == Action::"connect", resource);',
      ),
    )
    const { token, anew } = await signIn(world, { acr: [], amr: [] })
    const alice = await world.person('alice')
    const asked = await world.requests.ask(alice, {
      resource: 'orders-db',
      reason: 'x',
      from: 'y',
      isBreakGlass: false,
    })
    if (asked.kind !== 'asked') throw new Error('not asked')
    await world.requests.answer(await world.person('bob'), 'approve', { id: asked.request.id, from: 'z' })
    expect(await world.log({ credential: token.token })).toMatchObject({ code: 'step-up' })
    await anew({ acr: ['phr'], amr: [] })
    expect(isRefusal(await world.log({ credential: token.token }))).toBe(false)
  })
})
