import fc from 'fast-check'
import { onOwnBehalf, principalId, type AccessRequestState } from '@sallyport/core'
import type { AccessRequest } from '@sallyport/store'
import { describe, expect, it } from 'vitest'
import { answer, ask, from, grant, helper, hourMs, question, rules, start } from '../test/grants.ts'
import { pointOf, startWorld, type World } from '../test/world.ts'
import type { AccessQuestion, Asked } from './access-requests.ts'

const webhook = {
  name: 'ops',
  url: 'https://hooks.example.com/x',
  form: 'json',
  events: ['access-requested', 'access-answered', 'access-granted'],
  statements: 'shortened',
  allow: { http: false, private: false },
} as const

describe('a request for access', () => {
  it('that was approved makes a grant for whom, what and how long it said, and is on record with who, when and from where', async () => {
    await using world = await start()
    const request = await ask(world)
    expect(request).toMatchObject({
      state: 'open',
      needs: [{ groups: ['dba'], approvals: 1 }],
      askedFrom: from,
    })
    world.clock.advance(60_000)
    const now = world.clock.now()
    const answered = await answer(world, 'bob', request)
    expect(answered).toMatchObject({
      kind: 'answered',
      request: {
        state: 'approved',
        answers: [
          { byId: 'user:bob', verdict: 'approve', comment: 'seen', answeredFrom: '10.0.0.2', at: now },
        ],
      },
      grant: {
        request: request.id,
        principal: { id: 'user:alice' },
        actor: { id: 'user:alice' },
        resource: 'orders-db',
        account: 'admin',
        approvers: ['user:bob'],
        startsAt: now,
        endsAt: now + hourMs,
        revokedAt: null,
      },
    })
    const audit = (await world.store.read.audit.list(2)).flatMap(({ by, changes }) => [by, ...changes])
    expect(audit).toEqual([
      'user:bob',
      `request ${request.id}: approve by user:bob from 10.0.0.2: seen`,
      `request ${request.id} approved`,
      expect.stringMatching(/^grant grt_\w+ of req_\w+: user:alice on orders-db as admin until 2026-/),
      'user:alice',
      `request ${request.id}: access to orders-db as admin for 3600 s asked for by user:alice from 10.0.0.9: a broken import (OPS-7)`,
    ])
  })

  it.each<[string, Partial<AccessQuestion>, string]>([
    ['a resource that is not there', { resource: 'payroll' }, 'unknown'],
    ['an account that is not there', { account: 'root' }, 'unknown'],
    ['what needs no asking', { account: 'app' }, 'permitted'],
    ['longer than policy lets anyone have it', { durationMs: 2 * hourMs + 1 }, 'too-long'],
    ['an entrance without approval that policy does not give', { isBreakGlass: true }, 'no-break-glass'],
  ])('is not taken for %s', async (_, more, why) => {
    await using world = await start()
    const asked = await world.requests.ask(await world.person('alice'), { ...question, ...more })
    expect(asked).toMatchObject({ kind: 'not-asked', why })
    expect(await world.store.read.accessRequests.list('any', 9)).toEqual([])
  })

  it('is not taken of whom policy does not let ask, in the words for what is not there', async () => {
    await using world = await start('@id("nobody") forbid (principal, action, resource);')
    const asked = await world.requests.ask(await world.person('alice'), question)
    const missing = await world.requests.ask(await world.person('alice'), { ...question, resource: 'x' })
    expect(asked).toEqual(missing)
  })

  it('is for an hour unless said, or for less where policy gives less', async () => {
    await using world = await start(rules.replace('@duration("2h")', '@duration("20m")'))
    expect(await ask(world, 'alice', { durationMs: undefined })).toMatchObject({ durationMs: 20 * 60_000 })
  })

  it('waits once for the same, and at most 20 times for one person', async () => {
    const many = Array.from(
      { length: 21 },
      (_, i) => ({ name: `a${i}`, credential: { from: 'none' } }) as const,
    )
    const policy = '@id("ask") @request("dba") permit (principal, action == Action::"connect", resource);'
    await using world = await startWorld({ policy, resource: { accounts: many } })
    await ask(world, 'alice', { account: 'a0' })
    const again = await world.requests.ask(await world.person('alice'), { ...question, account: 'a0' })
    expect(again).toMatchObject({ kind: 'not-asked', why: 'asked-before' })
    for (let i = 1; i < 20; i++) await ask(world, 'alice', { account: `a${i}` })
    const tooMany = await world.requests.ask(await world.person('alice'), { ...question, account: 'a20' })
    expect(tooMany).toMatchObject({ kind: 'not-asked', why: 'too-many' })
    expect(await ask(world, 'dora', { account: 'a20' })).toMatchObject({ state: 'open' })
  })

  it('may be asked for again once it was answered', async () => {
    await using world = await start()
    await answer(world, 'bob', await ask(world), 'deny')
    expect(await ask(world)).toMatchObject({ state: 'open' })
  })

  it('is denied by one denial, and by no later approval let in', async () => {
    await using world = await start(rules.replace('@request("dba")', '@request("dba") @reviewers("2")'))
    const request = await ask(world)
    await answer(world, 'bob', request)
    expect(await answer(world, 'carol', request, 'deny')).toMatchObject({ request: { state: 'denied' } })
    expect(await answer(world, 'dora', request)).toMatchObject({ kind: 'not-answered', why: 'over' })
    expect(await world.store.read.grants.list({ limit: 9 })).toEqual([])
  })

  it('needs as many approvals as policy says, of different people who may still give them', async () => {
    await using world = await start(rules.replace('@request("dba")', '@request("dba") @reviewers("2")'))
    const request = await ask(world)
    expect(await answer(world, 'bob', request)).toMatchObject({
      request: { state: 'open' },
      grant: undefined,
    })
    expect(await answer(world, 'bob', request)).toMatchObject({
      kind: 'not-answered',
      why: 'answered-before',
    })
    await world.setGroups('bob', [])
    expect(await answer(world, 'carol', request)).toMatchObject({ request: { state: 'open' } })
    expect(await answer(world, 'dora', request)).toMatchObject({ request: { state: 'approved' } })
  })

  it('may be answered by any of several groups', async () => {
    await using world = await start(rules.replace('@request("dba")', '@request("security, dba")'))
    await world.setGroups('carol', ['security'])
    expect(await grant(world, 'alice', 'carol')).toMatchObject({ approvers: ['user:carol'] })
  })

  it('waits for each of several groups, and for one person each', async () => {
    await using world = await start(rules.replace('@request("dba")', '@request("dba & security")'))
    await world.setGroups('carol', ['security'])
    await world.setGroups('bob', ['dba', 'security'])
    await world.store.write('system', 'declare', (tx) => tx.webhooks.put(webhook))
    const still = async ({ id }: AccessRequest) =>
      world.requests.stillNeeded((await world.store.read.accessRequests.get(id))!)
    const request = await ask(world)
    expect(await still(request)).toEqual(request.needs)
    expect(await answer(world, 'bob', request)).toMatchObject({ request: { state: 'open' } })
    expect(await still(request)).toEqual([{ groups: ['dba', 'security'], approvals: 1 }])
    expect(await answer(world, 'carol', request)).toMatchObject({
      request: { state: 'approved' },
      grant: { approvers: ['user:bob', 'user:carol'], reviewers: ['dba', 'security'] },
    })
    expect(await still(request)).toEqual([])
    world.clock.advance(1)
    const told: unknown[] = []
    for (;;) {
      const [next] = await world.store.read.webhooks.due(world.clock.now(), [])
      if (next === undefined) break
      const { event, news } = next
      told.push([event, news.about === 'request' && news.request.stillNeeded])
      await world.store.write('system', 'told', (tx) => tx.webhooks.delivered(next.id))
    }
    expect(told).toEqual([
      ['access-requested', request.needs],
      ['access-answered', [{ groups: ['dba', 'security'], approvals: 1 }]],
      ['access-granted', []],
    ])
  })

  it('says whom it waits for as policy has it by now', async () => {
    await using world = await start()
    const request = await ask(world)
    world.policy.replace(pointOf(rules.replace('@request("dba")', '@request("dba & security")'), '2'))
    expect(await answer(world, 'bob', request)).toMatchObject({ request: { state: 'open' } })
    expect(
      await world.requests.stillNeeded((await world.store.read.accessRequests.get(request.id))!),
    ).toEqual([{ groups: ['security'], approvals: 1 }])
  })

  it('is nobody’s own to answer, neither as principal nor as actor, nor an agent’s', async () => {
    await using world = await start()
    const dora = await world.person('dora')
    const ofDora = await ask(world, 'dora')
    const throughAgent = { principal: dora.principal, actor: helper }
    for (const by of [dora, throughAgent])
      expect(await answer(world, by, ofDora)).toMatchObject({ kind: 'not-answered', why: 'own-request' })

    // Bob acts for Alice: as who acts, he may not approve what he asked for.
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    const asActor = { principal: alice.principal, actor: bob.actor }
    const asked = await world.requests.ask(asActor, question)
    if (asked.kind !== 'asked') throw new Error(asked.reason)
    expect(await answer(world, bob, asked.request)).toMatchObject({ why: 'own-request' })

    const agentOfCarol = { principal: (await world.person('carol')).principal, actor: helper }
    expect(await answer(world, agentOfCarol, ofDora)).toMatchObject({ why: 'not-a-reviewer' })
    expect(await answer(world, 'alice', ofDora)).toMatchObject({ why: 'not-a-reviewer' })
    expect((await world.store.read.accessRequests.get(ofDora.id))?.answers).toEqual([])
  })

  it('of whom nobody vouches for is not granted, and their approval counts for nothing', async () => {
    await using world = await start(`${rules}
@id("jobs") @request("dba") permit (principal == Workload::"ci", action == Action::"connect", resource);`)
    const ci = onOwnBehalf({ kind: 'workload', id: principalId('workload', 'ci'), name: 'ci', groups: [] })
    const asked = await world.requests.ask(ci, question)
    if (asked.kind !== 'asked') throw new Error(asked.reason)
    expect(await answer(world, 'bob', asked.request)).toMatchObject({ kind: 'not-answered', why: 'stale' })

    const stranger = onOwnBehalf({
      ...ci.principal,
      kind: 'user',
      id: principalId('user', 'x'),
      groups: ['dba'],
    })
    const open = await ask(world)
    for (const verdict of ['approve', 'deny'] as const)
      expect(await answer(world, stranger, open, verdict)).toMatchObject({ why: 'not-a-reviewer' })
    expect(await world.store.read.accessRequests.get(open.id)).toMatchObject({ state: 'open', answers: [] })
    expect(await world.store.read.grants.list({ limit: 9 })).toEqual([])
  })

  it('ends unanswered after its time', async () => {
    await using world = await start()
    const request = await ask(world)
    world.clock.advance(8 * hourMs - 1)
    expect(await world.requests.expireOverdue()).toBe(0)
    world.clock.advance(1)
    expect(await answer(world, 'bob', request)).toMatchObject({ why: 'over' })
    expect(await world.requests.expireOverdue()).toBe(1)
    expect(await world.store.read.accessRequests.get(request.id)).toMatchObject({ state: 'expired' })
  })

  it('can be withdrawn by whoever asked, and by nobody else', async () => {
    await using world = await start()
    const request = await ask(world)
    expect(await world.requests.withdraw(await world.person('bob'), request.id)).toMatchObject({
      why: 'unknown',
    })
    const agent = { principal: (await world.person('alice')).principal, actor: helper }
    expect(await world.requests.withdraw(agent, request.id)).toMatchObject({ why: 'unknown' })
    const withdrawn = await world.requests.withdraw(await world.person('alice'), request.id)
    expect(withdrawn).toMatchObject({ request: { state: 'withdrawn' } })
    expect(await answer(world, 'bob', request)).toMatchObject({ why: 'over' })
  })

  it('is put to those whom policy has come to ask, who are told of it, and to nobody else any more', async () => {
    await using world = await start()
    await world.store.write('system', 'declare', (tx) => tx.webhooks.put(webhook))
    const request = await ask(world)
    world.policy.replace(pointOf(rules.replace('@request("dba")', '@request("security")'), '2'))
    await world.setGroups('dora', ['security'])
    expect(await answer(world, 'dora', request)).toMatchObject({ why: 'not-a-reviewer' })
    expect(await world.requests.askAnew()).toBe(1)
    expect(await world.requests.askAnew()).toBe(0)
    const [first] = await world.store.read.webhooks.due(world.clock.now(), [])
    await world.store.write('system', 'told', (tx) => tx.webhooks.delivered(first!.id))
    const [second] = await world.store.read.webhooks.due(world.clock.now(), [])
    expect(second).toMatchObject({
      event: 'access-requested',
      news: { request: { reviewers: ['security'] } },
    })
    expect(await answer(world, 'bob', request)).toMatchObject({ why: 'not-a-reviewer' })
    expect(await answer(world, 'dora', request)).toMatchObject({ grant: { reviewers: ['security'] } })
    expect(await world.requests.askAnew()).toBe(0)
  })

  it('stays with whom it was put to while policy lets nobody ask for it: its hours may come again', async () => {
    await using world = await start()
    const request = await ask(world)
    world.policy.replace(pointOf('', '2'))
    expect(await world.requests.askAnew()).toBe(0)
    world.policy.replace(pointOf(rules, '3'))
    expect(await answer(world, 'bob', request)).toMatchObject({ grant: { resource: 'orders-db' } })
  })

  it('cannot be approved where policy, the requester or the resource is not what it was', async () => {
    const changes: Readonly<Record<string, (world: World) => unknown>> = {
      policy: ({ policy }) => policy.replace(pointOf('', '2')),
      requester: (world) => world.disable('alice'),
      groups: (world) => world.setGroups('alice', []),
      resource: ({ store }) => store.write('system', 'x', (tx) => tx.resources.delete('orders-db')),
    }
    for (const [what, change] of Object.entries(changes)) {
      await using world = await start()
      const request = await ask(world)
      await change(world)
      expect({ what, ...(await answer(world, 'bob', request)) }).toMatchObject({ what, why: 'stale' })
      expect(await world.store.read.grants.list({ limit: 9 })).toEqual([])
    }
  })

  it('is granted for no longer than policy allows when it is approved', async () => {
    await using world = await start()
    const request = await ask(world, 'alice', { durationMs: 2 * hourMs })
    world.policy.replace(pointOf(rules.replace('@duration("2h")', '@duration("30m")'), '2'))
    const answered = await answer(world, 'bob', request)
    expect(answered).toMatchObject({ grant: { endsAt: world.clock.now() + 30 * 60_000 } })
  })

  it('makes one grant however many answer at once, and stands where the allowed moves have led', async () => {
    type Step = (world: World, request: AccessRequest) => Promise<unknown>
    const steps: Readonly<Record<string, Step>> = {
      bob: (world, request) => answer(world, 'bob', request),
      carol: (world, request) => answer(world, 'carol', request),
      deny: (world, request) => answer(world, 'dora', request, 'deny'),
      withdraw: async (world, request) => world.requests.withdraw(await world.person('alice'), request.id),
      expire: (world) => world.requests.expireOverdue(),
      late: (world) => {
        world.clock.advance(8 * hourMs)
        return Promise.resolve()
      },
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (names, isAtOnce) => {
          await using world = await start(rules.replace('@request("dba")', '@request("dba") @reviewers("2")'))
          const request = await ask(world)
          const run = (name: string): Promise<unknown> => steps[name]?.(world, request) ?? Promise.resolve()
          if (isAtOnce) await Promise.all(names.map(run))
          else for (const name of names) await run(name)
          const { state = 'open', answers = [] } =
            (await world.store.read.accessRequests.get(request.id)) ?? {}
          const grants = await world.store.read.grants.list({ limit: 9 })
          const approvals = answers.filter(({ verdict }) => verdict === 'approve').length
          const denials = answers.filter(({ verdict }) => verdict === 'deny').length
          const holds: Readonly<Partial<Record<AccessRequestState, boolean>>> = {
            open: approvals < 2 && denials === 0,
            approved: approvals === 2 && denials === 0,
            denied: denials === 1 && approvals < 2,
            expired: denials === 0 && approvals < 2,
            withdrawn: denials === 0 && approvals < 2,
          }
          expect(holds[state]).toBe(true)
          expect(grants).toHaveLength(state === 'approved' ? 1 : 0)
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('a break-glass', () => {
  const glass = { isBreakGlass: true }

  it('lets in at once, tells of it, and stays open until a reviewer closes it, who is somebody else', async () => {
    await using world = await start()
    const asked: Asked = await world.requests.ask(await world.person('bob'), { ...question, ...glass })
    if (asked.kind !== 'asked') throw new Error(asked.reason)
    const { request } = asked
    expect(asked).toMatchObject({
      request: { state: 'unreviewed' },
      grant: { principal: { id: 'user:bob' }, approvers: [], endsAt: world.clock.now() + hourMs },
    })
    expect(world.events).toContainEqual(
      expect.objectContaining({ kind: 'access-asked', state: 'unreviewed', reviewers: ['dba'] }),
    )
    const close = async (who: string) =>
      world.requests.close(await world.person(who), { id: request.id, comment: 'was needed', from })
    expect(await answer(world, 'carol', request)).toMatchObject({ why: 'over' })
    expect(await close('bob')).toMatchObject({ why: 'own-request' })
    expect(await close('alice')).toMatchObject({ why: 'not-a-reviewer' })
    expect(await close('carol')).toMatchObject({
      request: {
        state: 'reviewed',
        answers: [{ byId: 'user:carol', verdict: 'close', comment: 'was needed' }],
      },
    })
    expect(await close('dora')).toMatchObject({ why: 'over' })
  })

  it('is for people, by their own hand', async () => {
    await using world = await start()
    const through = { principal: (await world.person('bob')).principal, actor: helper }
    const asked = await world.requests.ask(through, { ...question, ...glass })
    expect(asked).toMatchObject({ kind: 'not-asked', why: 'no-break-glass' })
  })

  it('cannot be repeated without end while nobody reviews it', async () => {
    await using world = await start()
    for (let i = 0; i < 20; i++) await ask(world, 'bob', glass)
    const asked = await world.requests.ask(await world.person('bob'), { ...question, ...glass })
    expect(asked).toMatchObject({ kind: 'not-asked', why: 'too-many' })
  })

  it('is not withdrawn, and not forgotten with time', async () => {
    await using world = await start()
    const request = await ask(world, 'bob', glass)
    expect(await world.requests.withdraw(await world.person('bob'), request.id)).toMatchObject({
      why: 'over',
    })
    world.clock.advance(1000 * hourMs)
    expect(await world.requests.expireOverdue()).toBe(0)
    expect(await world.store.read.accessRequests.get(request.id)).toMatchObject({ state: 'unreviewed' })
  })
})
