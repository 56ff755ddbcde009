import { randomBytes } from 'node:crypto'
import { Fault, isRefusal, Secret } from '@sallyport/core'
import { postgresResource } from '@sallyport/core/testing'
import { generatePrivateKey } from '@sallyport/openssh'
import { describe, expect, it } from 'vitest'
import { nobodysToken, pointOf, rules, startWorld } from '../test/world.ts'

const noSuchAccess = {
  kind: 'refusal',
  code: 'no-such-access',
  reason: 'there is no such resource or account, or you may not reach it',
  next: 'see what you may reach: sallyport ls',
}

describe('who shows a good token and may connect', () => {
  it('gets a session, which is listed, indexed and recorded from its first moment', async () => {
    await using world = await startWorld()
    const session = await world.session({ clientApplication: 'psql' })
    expect(session).toMatchObject({
      kind: 'session',
      account: 'app',
      subject: { ...(await world.person('alice')), source: '10.0.0.9' },
    })
    expect(world.sessions.list().map(({ id }) => id)).toEqual([session.id])
    expect(await world.store.read.sessions.get(session.id)).toMatchObject({
      endedAt: null,
      recording: 'writing',
    })
    expect(await world.recorded(session)).toMatchObject([
      {
        kind: 'opened',
        session: session.id,
        principal: { id: 'user:alice' },
        resource: 'orders-db',
        protocol: 'postgres',
        account: 'app',
        clientAddress: '10.0.0.9:40112',
        clientApplication: 'psql',
        policyVersion: '1',
      },
    ])
    expect(world.events).toMatchObject([{ kind: 'session-opened', session: session.id }])
  })

  it('is two, actor and principal, where something acts for somebody', async () => {
    await using world = await startWorld()
    const { token } = await world.token('alice', { kind: 'agent', id: 'agent:helper', name: 'helper' })
    const { subject } = await world.session({ credential: token })
    expect(subject).toMatchObject({ principal: { id: 'user:alice' }, actor: { id: 'agent:helper' } })
  })

  it('may ask for any account of the resource; the first is the default', async () => {
    const accounts = [
      { name: 'app', credential: { from: 'none' } },
      { name: 'app_ro', credential: { from: 'none' } },
    ] as const
    await using world = await startWorld({ resource: { accounts } })
    expect((await world.session()).account).toBe('app')
    const session = await world.session({ account: 'app_ro' })
    expect(session.account).toBe('app_ro')
    expect(await session.credential()).toEqual({ user: 'app_ro' })
  })

  it('reaches the target through the agents of its resource', async () => {
    await using world = await startWorld()
    const session = await world.session()
    ;(await session.dial()).destroy()
    expect(world.dialled).toEqual([
      { pool: 'local', resource: 'orders-db', session: session.id, host: '127.0.0.1', port: 5432 },
    ])
  })
})

describe('a log-in is refused', () => {
  it('in the same words for a token that is malformed, unknown, expired, revoked, or of a disabled user', async () => {
    await using world = await startWorld()
    const [expiring, revoked, orphaned] = [
      await world.token('alice'),
      await world.token('alice'),
      await world.token('dora'),
    ]
    await world.tokens.revoke('system', revoked.id)
    await world.disable('dora')
    world.clock.advance(3_600_000)
    const answers = [
      await world.log({ credential: nobodysToken }),
      await world.log({ credential: new Secret('') }),
      await world.log({ credential: expiring.token }),
      await world.log({ credential: revoked.token }),
      await world.log({ credential: orphaned.token }),
    ]
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject({ kind: 'refusal', code: 'invalid-credential' })
    expect(world.events.every(({ kind }) => kind === 'log-in-refused')).toBe(true)
  })

  it('in the same words for a resource that is not there, one of others, another protocol’s, and an account it has not', async () => {
    await using world = await startWorld()
    await world.store.write('system', 'declare', (tx) =>
      tx.resources.put({ ...postgresResource({}, { name: 'cache' }), protocol: 'redis' }),
    )
    const answers = [
      await world.log({ resource: 'nowhere' }),
      await world.log({ resource: ' ' }),
      await world.log({ resource: 'cache' }),
      await world.log({ account: 'postgres' }),
      await world.log({ credential: (await world.token('bob')).token }),
    ]
    expect(answers).toEqual(Array.from({ length: 5 }, () => noSuchAccess))
    expect(world.sessions.list()).toEqual([])
  })

  it('where connecting itself would need a review', async () => {
    await using world = await startWorld({
      policy: '@review("dba") permit (principal, action == Action::"connect", resource);',
    })
    expect(await world.log()).toEqual(noSuchAccess)
  })

  it('with a key that nobody registered, as often as with a token; to offer one is no failure', async () => {
    await using world = await startWorld()
    const [key, other] = [generatePrivateKey().publicKey, generatePrivateKey().publicKey]
    const alice = await world.person('alice')
    await world.registeredKeys.add(alice, { principalId: alice.principal.id, key, label: '' })
    const clientAddress = '10.0.0.9:1'
    const offered = (blob: Uint8Array) => ({ kind: 'public-key', blob }) as const
    const proven = (blob: Uint8Array) => ({ ...offered(blob), isProven: true }) as const
    for (let i = 0; i < 100; i++)
      expect(await world.gate.accepts(offered(other.blob), clientAddress)).toBe(false)
    expect(await world.gate.accepts(offered(key.blob), clientAddress)).toBe(true)
    expect(await world.log({ credential: proven(key.blob), clientAddress })).toMatchObject({
      kind: 'session',
    })
    for (let i = 0; i < 30; i++)
      expect(await world.log({ credential: proven(other.blob), clientAddress })).toMatchObject({
        code: 'invalid-credential',
      })
    expect(await world.gate.accepts(offered(key.blob), clientAddress)).toBe(false)
    expect(await world.log({ credential: proven(key.blob), clientAddress })).toMatchObject({
      code: 'throttled',
    })
  })

  it('before anything is looked at, after too many failures from one address', async () => {
    await using world = await startWorld()
    for (let i = 0; i < 30; i++)
      await world.log({ credential: nobodysToken, clientAddress: `10.0.0.9:${1000 + i}` })
    const { token } = await world.token('alice')
    expect(await world.log({ credential: token })).toMatchObject({ code: 'throttled' })
    expect(await world.log({ credential: token, clientAddress: '10.0.0.10:1' })).toMatchObject({
      kind: 'session',
    })
    world.clock.advance(60_000)
    expect(await world.log({ credential: token })).toMatchObject({ kind: 'session' })
  })

  it('by a fault where there are as many sessions as there may be, and where the gateway drains', async () => {
    await using world = await startWorld({ maxSessions: 1 })
    const first = await world.session()
    await expect(world.log()).rejects.toMatchObject({ code: 'gateway/overloaded' })
    await first[Symbol.asyncDispose]()
    world.sessions.refuseNew(new Fault('gateway/draining', 'the gateway is stopping'))
    await expect(world.log()).rejects.toMatchObject({ code: 'gateway/draining' })
  })
})

describe('what changes while someone logs in', () => {
  it('counts: a resource that is taken away just then is not opened', async () => {
    await using world = await startWorld()
    const opening = world.log()
    const deleting = world.store.write('system', 'delete', (tx) => tx.resources.delete('orders-db'))
    const [session] = await Promise.all([opening, deleting])
    expect('signal' in session ? session.signal.reason : session).toMatchObject({
      code: expect.stringMatching(/no-such-access|access-revoked/) as unknown,
    })
  })

  it('counts: of many who log in while their token is revoked, none stays', async () => {
    await using world = await startWorld()
    const { id, token } = await world.token('alice')
    const opening = Array.from({ length: 10 }, () => world.log({ credential: token }))
    await world.tokens.revoke('system', id)
    for (const session of await Promise.all(opening))
      expect('signal' in session ? session.signal.reason : session).toMatchObject({
        code: expect.stringMatching(/invalid-credential|access-revoked/) as unknown,
      })
  })

  it('is judged by the policy in force then', async () => {
    await using world = await startWorld()
    world.policy.replace(pointOf(rules, '7'))
    expect((await world.recorded(await world.session()))[0]).toMatchObject({ policyVersion: '7' })
  })
})

describe('a cancel', () => {
  const from = '10.0.0.9:40112'
  const other = '10.0.0.10:40112'

  it('reaches the session that has its key, also where another has the same process id', async () => {
    await using world = await startWorld()
    const fired: string[] = []
    const one = Buffer.from([0, 0, 1, 2, 9, 9, 9, 1])
    const two = Buffer.from([0, 0, 1, 2, 9, 9, 9, 2])
    world.gate.interrupts.register(one, () => fired.push('one'))
    world.gate.interrupts.register(two, () => fired.push('two'))
    expect(await world.gate.interrupt(two, from)).toBe(true)
    expect(fired).toEqual(['two'])
  })

  it('is not looked up where its address guessed too often, unless its key cannot be guessed', async () => {
    await using world = await startWorld()
    const [short, long] = [randomBytes(8), randomBytes(36)]
    world.gate.interrupts.register(short, () => {})
    world.gate.interrupts.register(long, () => {})
    for (let i = 0; i < 29; i++) await world.gate.interrupt(randomBytes(8), `10.0.0.9:${1000 + i}`)
    expect(await world.gate.interrupt(short, from)).toBe(true)
    await world.gate.interrupt(randomBytes(8), from)
    expect(await world.gate.interrupt(short, from)).toBe(false)
    expect(await world.gate.interrupt(long, from)).toBe(true)
    expect(await world.gate.interrupt(short, other)).toBe(true)
    world.clock.advance(2_000)
    expect(await world.gate.interrupt(short, from)).toBe(true)
  })

  it('with a long key that is unknown counts for nothing', async () => {
    await using world = await startWorld()
    for (let i = 0; i < 100; i++) expect(await world.gate.interrupt(randomBytes(36), from)).toBe(false)
    expect(await world.log({ clientAddress: from })).toMatchObject({ kind: 'session' })
  })
})

describe('who has nothing to show', () => {
  it('signs in by a browser, and is let in with the token that comes of it', async () => {
    await using world = await startWorld()
    const begun = await world.gate.signIn('10.0.0.9:50000')
    if (isRefusal(begun)) throw new Error(begun.reason)
    expect(begun.url).toBe(`https://gateway.example/device?code=${begun.code}`)
    expect(world.devices.look(begun.code, '10.0.0.1')).toMatchObject({
      program: 'postgres',
      address: '10.0.0.9:50000',
    })
    const waiting = begun.wait(new AbortController().signal)
    const browser = await world.token('alice')
    const who = await world.tokens.authenticate(browser.token)
    if (isRefusal(who)) throw new Error(who.reason)
    world.devices.answer(begun.code, '10.0.0.1', who)
    const token = await waiting
    if (isRefusal(token)) throw new Error(token.reason)
    const session = await world.session({ credential: token })
    expect(session.subject.principal.id).toBe('user:alice')
  })

  it('is sent away, or leaves, and has no token', async () => {
    await using world = await startWorld()
    const [denied, left] = [await world.gate.signIn('10.0.0.9:1'), await world.gate.signIn('10.0.0.9:2')]
    if (isRefusal(denied) || isRefusal(left)) throw new Error('not begun')
    world.devices.answer(denied.code, '10.0.0.1', 'denied')
    expect(await denied.wait(new AbortController().signal)).toMatchObject({ code: 'denied' })
    expect(await left.wait(AbortSignal.abort())).toMatchObject({ code: 'invalid-credential' })
    expect(world.devices.look(left.code, '10.0.0.1')).toMatchObject({ code: 'invalid-credential' })
  })

  it('is told where to get a token, sixty times, without having failed to log in', async () => {
    await using world = await startWorld()
    const ask = () => world.gate.authorizationServer('10.0.0.9:50000')
    for (let i = 0; i < 60; i++)
      expect(await ask()).toEqual({ metadataUrl: 'https://gateway.example/metadata' })
    expect(await ask()).toMatchObject({ code: 'throttled' })
    expect(await world.log({ clientAddress: '10.0.0.9:50000' })).toMatchObject({ kind: 'session' })
  })

  it('is told nothing where it has failed to log in too often', async () => {
    await using world = await startWorld()
    for (let i = 0; i < 30; i++) await world.log({ credential: new Secret('x'), clientAddress: '10.0.0.9:1' })
    expect(await world.gate.authorizationServer('10.0.0.9:2')).toMatchObject({ code: 'throttled' })
  })
})

describe('a token that was stolen', () => {
  const pinned = `
    @id("all") permit (principal, action, resource);
    @id("office") forbid (principal, action, resource) unless { context.source.isInRange(ip("10.0.0.0/24")) };`

  it('lets nobody in from elsewhere than where policy pins its owner to, and is answered as any that may not', async () => {
    await using world = await startWorld({ policy: pinned })
    const { token } = await world.token('alice')
    await world.session({ credential: token })
    for (const clientAddress of ['10.0.1.9:40112', '[2001:db8::1]:40112'])
      expect(await world.log({ credential: token, clientAddress })).toEqual(noSuchAccess)
  })

  it('ends nothing of its owner, whose session is judged from where it is, with other groups and other policies', async () => {
    await using world = await startWorld({ policy: rules })
    const inside = await world.session()
    const outside = await world.session({ clientAddress: '10.0.1.9:40112' })
    world.policy.replace(pointOf(pinned, '2'))
    expect(outside.signal.aborted).toBe(true)
    expect(inside.signal.aborted).toBe(false)
    await world.setGroups('alice', ['developers', 'others'])
    await expect
      .poll(() => inside.subject)
      .toMatchObject({
        principal: { groups: ['developers', 'others'] },
        source: '10.0.0.9',
      })
    expect(inside.signal.aborted).toBe(false)
  })
})
