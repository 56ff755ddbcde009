import type { Decision, Operation, ReviewNeed, SessionId } from '@sallyport/core'
import { onOwnBehalf, principalId, type Subject } from '@sallyport/core'
import type { Review } from '@sallyport/store'
import { describe, expect, it } from 'vitest'
import { aSession, operation, pointOf, startWorld, type World } from '../test/world.ts'

const update = operation('update orders set status = $1', ['shipped', Buffer.from([0, 1]), null])

const one = [{ groups: ['dba'], approvals: 1 }]
const two = [{ groups: ['dba'], approvals: 2 }]
const both = [...one, { groups: ['security'], approvals: 1 }]

function terms(needs: readonly ReviewNeed[]): Extract<Decision, { effect: 'review' }> {
  return {
    effect: 'review',
    policies: ['reviewed-updates'],
    reason: 'changes are reviewed',
    obligations: { maskedTags: new Set() },
    terms: { needs, withinMs: 600_000 },
  }
}

async function ask(
  world: World,
  over: {
    subject?: Subject
    asked?: Operation
    needs?: readonly ReviewNeed[]
    session?: SessionId
  } = {},
): Promise<Review> {
  return world.reviews.ask({
    place: { session: over.session ?? aSession, resource: 'orders-db', account: 'app' },
    subject: over.subject ?? (await world.person('alice')),
    operation: over.asked ?? update,
    digest: 'd',
    decision: terms(over.needs ?? one),
  })
}

describe('a question to reviewers', () => {
  it('shows what would run, for whom, why, and how long there is', async () => {
    await using world = await startWorld()
    const { id } = await ask(world)
    expect(await world.reviews.get(id)).toMatchObject({
      session: aSession,
      requester: { id: 'user:alice' },
      actor: { id: 'user:alice' },
      text: update.text,
      parameters: ['shipped', 'base64:AAE=', null],
      reason: 'changes are reviewed',
      policies: ['reviewed-updates'],
      needs: one,
      expiresAt: world.clock.now() + 600_000,
      state: 'open',
      answers: [],
    })
  })

  it('is approved by one of the group, with a comment', async () => {
    await using world = await startWorld()
    const { id } = await ask(world)
    const answered = await world.reviews.answer(await world.person('bob'), id, 'approve', 'looks good')
    expect(answered).toMatchObject({
      kind: 'answered',
      review: {
        state: 'approved',
        answers: [{ byId: 'user:bob', verdict: 'approve', comment: 'looks good' }],
      },
    })
    expect((await world.store.read.audit.list(1))[0]).toMatchObject({
      by: 'user:bob',
      why: 'approve a review',
    })
  })

  it('waits for as many approvals as it needs, of different people', async () => {
    await using world = await startWorld()
    const { id } = await ask(world, { needs: two })
    const [bob, carol] = [await world.person('bob'), await world.person('carol')]
    expect(await world.reviews.answer(bob, id, 'approve')).toMatchObject({ review: { state: 'open' } })
    expect(await world.reviews.answer(bob, id, 'approve')).toMatchObject({ why: 'answered-before' })
    expect(world.reviews.mayAnswer(bob, (await world.reviews.get(id))!)).toBe(false)
    expect(await world.reviews.answer(carol, id, 'approve')).toMatchObject({ review: { state: 'approved' } })
  })

  it('waits for each group that must approve, and says which is missing', async () => {
    await using world = await startWorld()
    await world.setGroups('carol', ['security'])
    const [bob, carol] = [await world.person('bob'), await world.person('carol')]
    const review = await ask(world, { needs: both })
    expect(await world.reviews.stillNeeded(review)).toEqual(both)
    const answered = await world.reviews.answer(bob, review.id, 'approve')
    expect(answered).toMatchObject({ review: { state: 'open' } })
    const waiting = (await world.reviews.get(review.id))!
    expect(await world.reviews.stillNeeded(waiting)).toEqual([{ groups: ['security'], approvals: 1 }])
    expect(await world.reviews.answer(carol, review.id, 'approve')).toMatchObject({
      review: { state: 'approved' },
    })
    expect(await world.reviews.stillNeeded((await world.reviews.get(review.id))!)).toEqual([])
  })

  it('is not approved for two groups by one person who is in both', async () => {
    await using world = await startWorld()
    await world.setGroups('bob', ['dba', 'security'])
    const [bob, carol] = [await world.person('bob'), await world.person('carol')]
    const { id } = await ask(world, { needs: both })
    expect(await world.reviews.answer(bob, id, 'approve')).toMatchObject({ review: { state: 'open' } })
    expect(await world.reviews.stillNeeded((await world.reviews.get(id))!)).toEqual([
      { groups: ['dba', 'security'], approvals: 1 },
    ])
    expect(await world.reviews.answer(bob, id, 'approve')).toMatchObject({ why: 'answered-before' })
    expect(await world.reviews.answer(carol, id, 'approve')).toMatchObject({ review: { state: 'approved' } })
  })

  it('waits again for a group of which who approved it has left', async () => {
    await using world = await startWorld()
    await world.setGroups('carol', ['security'])
    const { id } = await ask(world, { needs: both })
    await world.reviews.answer(await world.person('bob'), id, 'approve')
    await world.setGroups('bob', [])
    const answered = await world.reviews.answer(await world.person('carol'), id, 'approve')
    expect(answered).toMatchObject({ review: { state: 'open' } })
    expect(await world.reviews.stillNeeded((await world.reviews.get(id))!)).toEqual(one)
  })

  it('is denied by one, whatever others said', async () => {
    await using world = await startWorld()
    const { id } = await ask(world, { needs: two })
    await world.reviews.answer(await world.person('bob'), id, 'approve')
    expect(await world.reviews.answer(await world.person('carol'), id, 'deny')).toMatchObject({
      review: { state: 'denied' },
    })
  })

  it('has one outcome when two answer at the same time', async () => {
    await using world = await startWorld()
    const { id } = await ask(world)
    const answers = await Promise.all([
      world.reviews.answer(await world.person('bob'), id, 'approve'),
      world.reviews.answer(await world.person('carol'), id, 'deny'),
    ])
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['answered', 'not-answered'])
    expect((await world.reviews.get(id))?.answers).toHaveLength(1)
  })
})

describe('an answer is not taken', () => {
  const agent = { kind: 'agent', id: 'agent:helper', name: 'helper' } as const

  it.each<[string, (world: World) => Promise<{ asker: Subject; answerer: Subject }>, string]>([
    [
      'from who asked, even if in the group',
      async (world) => ({ asker: await world.person('dora'), answerer: await world.person('dora') }),
      'own-request',
    ],
    [
      'from who asked through an agent',
      async (world) => {
        const dora = await world.person('dora')
        return { asker: { ...dora, actor: agent }, answerer: dora }
      },
      'own-request',
    ],
    [
      'from the agent that asked, in another’s name',
      async (world) => ({
        asker: { ...(await world.person('alice')), actor: agent },
        answerer: { ...(await world.person('bob')), actor: agent },
      }),
      'own-request',
    ],
    [
      'from who acted, though for another',
      async (world) => {
        const bob = await world.person('bob')
        return { asker: { ...(await world.person('alice')), actor: bob.actor }, answerer: bob }
      },
      'own-request',
    ],
    [
      'from outside the group',
      async (world) => ({ asker: await world.person('dora'), answerer: await world.person('alice') }),
      'not-a-reviewer',
    ],
    [
      'from an agent, whoever it acts for',
      async (world) => ({
        asker: await world.person('alice'),
        answerer: { ...(await world.person('bob')), actor: agent },
      }),
      'not-a-reviewer',
    ],
  ])('%s', async (_, cast, why) => {
    await using world = await startWorld()
    const { asker, answerer } = await cast(world)
    const review = await ask(world, { subject: asker })
    for (const verdict of ['approve', 'deny'] as const)
      expect(await world.reviews.answer(answerer, review.id, verdict)).toMatchObject({
        kind: 'not-answered',
        why,
      })
    expect(world.reviews.mayAnswer(answerer, review)).toBe(false)
    expect(await world.reviews.get(review.id)).toMatchObject({ state: 'open', answers: [] })
  })

  it('from who is in the group no more, or whom nobody vouches for, whatever their session says', async () => {
    await using world = await startWorld()
    const { id } = await ask(world)
    const [bob, carol] = [await world.person('bob'), await world.person('carol')]
    await world.setGroups('bob', ['developers'])
    await world.disable('carol')
    const workload = { ...bob.principal, kind: 'workload', id: principalId('workload', 'ci') } as const
    for (const by of [bob, carol, onOwnBehalf(workload)])
      expect(await world.reviews.answer(by, id, 'approve')).toMatchObject({ why: 'not-a-reviewer' })
    expect(await world.reviews.get(id)).toMatchObject({ state: 'open', answers: [] })
  })

  it('where policy lets nobody review', async () => {
    await using world = await startWorld()
    const { id } = await ask(world)
    world.policy.replace(pointOf('@id("n") forbid (principal, action == Action::"review", resource);'))
    expect(await world.reviews.answer(await world.person('bob'), id, 'approve')).toMatchObject({
      why: 'not-a-reviewer',
    })
  })

  it('to what is unknown, over, or past its time', async () => {
    await using world = await startWorld()
    const bob = await world.person('bob')
    expect(await world.reviews.answer(bob, 'rev_NONE', 'approve')).toMatchObject({ why: 'unknown' })
    const { id } = await ask(world)
    await world.reviews.withdraw(await world.person('alice'), id)
    expect(await world.reviews.answer(bob, id, 'approve')).toMatchObject({ why: 'over' })
    const late = await ask(world)
    world.clock.advance(600_000)
    expect(await world.reviews.answer(bob, late.id, 'approve')).toMatchObject({ why: 'over' })
  })
})

describe('an approval', () => {
  it('is used once, of two that try', async () => {
    await using world = await startWorld()
    const [alice, { id: tokenId }] = [await world.person('alice'), await world.token('alice')]
    const { id } = await ask(world)
    await world.reviews.answer(await world.person('bob'), id, 'approve')
    const use = { digest: 'd', needs: one, tokenId }
    const uses = await Promise.all([world.reviews.use(alice, id, use), world.reviews.use(alice, id, use)])
    expect(uses.filter(Boolean)).toHaveLength(1)
    expect((await world.reviews.get(id))?.state).toBe('used')
  })

  it('is of no use for another operation, before it is given, or with a token that ended', async () => {
    await using world = await startWorld()
    const alice = await world.person('alice')
    const [{ id: tokenId }, revoked] = [await world.token('alice'), await world.token('alice')]
    await world.tokens.revoke('system', revoked.id)
    const { id } = await ask(world)
    const use = (over: object): Promise<boolean> =>
      world.reviews.use(alice, id, { digest: 'd', needs: one, tokenId, ...over })
    expect(await use({})).toBe(false)
    await world.reviews.answer(await world.person('bob'), id, 'approve')
    expect(await use({ digest: 'other' })).toBe(false)
    expect(await use({ tokenId: revoked.id })).toBe(false)
    expect(await use({ tokenId: 'tok_NONE' })).toBe(false)
    expect(await use({ needs: [{ groups: ['security'], approvals: 1 }] })).toBe(false)
    expect(await use({ needs: two })).toBe(false)
    world.clock.advance(3_600_000)
    expect(await use({})).toBe(false)
    expect((await world.reviews.get(id))?.state).toBe('approved')
  })

  it.each([
    ['still there', (world: World) => world.disable('bob')],
    ['still in a group that may', (world: World) => world.setGroups('bob', ['developers'])],
  ])('counts only while who gave it is %s', async (_, leave) => {
    await using world = await startWorld()
    const [alice, { id: tokenId }] = [await world.person('alice'), await world.token('alice')]
    const { id } = await ask(world)
    await world.reviews.answer(await world.person('bob'), id, 'approve')
    await leave(world)
    expect(await world.reviews.use(alice, id, { digest: 'd', needs: one, tokenId })).toBe(false)
  })
})

describe('reviews that a dead gateway left', () => {
  it('are withdrawn: nobody waits for them any more', async () => {
    await using world = await startWorld()
    const [open, approved, denied] = [await ask(world), await ask(world), await ask(world)]
    const bob = onOwnBehalf((await world.person('bob')).principal)
    await world.reviews.answer(bob, approved.id, 'approve')
    await world.reviews.answer(bob, denied.id, 'deny')
    expect(await world.reviews.withdrawLeftovers()).toBe(2)
    const states = await Promise.all(
      [open, approved, denied].map(async ({ id }) => (await world.reviews.get(id))?.state),
    )
    expect(states).toEqual(['withdrawn', 'withdrawn', 'denied'])
  })
})

describe('reviews that nobody waits for, because the store failed who held them', () => {
  it('are withdrawn once their session has ended, and expired a minute after their time', async () => {
    await using world = await startWorld()
    const session = await world.session()
    const of = (id: SessionId) => ask(world, { session: id })
    const [lost, held] = [await of(aSession), await of(session.id)]
    expect(await world.reviews.closeLost()).toBe(1)
    expect((await world.reviews.get(lost.id))?.state).toBe('withdrawn')
    expect((await world.reviews.get(held.id))?.state).toBe('open')
    world.clock.advance(659_999)
    expect(await world.reviews.closeLost()).toBe(0)
    world.clock.advance(1)
    expect(await world.reviews.closeLost()).toBe(1)
    expect((await world.reviews.get(held.id))?.state).toBe('expired')
    const ended = await of(session.id)
    await session[Symbol.asyncDispose]()
    expect(await world.reviews.closeLost()).toBe(1)
    expect((await world.reviews.get(ended.id))?.state).toBe('withdrawn')
  })
})
