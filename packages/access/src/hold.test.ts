import { Fault, type Authorization, type Operation, type Session } from '@sallyport/core'
import type { Review } from '@sallyport/store'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { facts, operation, pointOf, rules, startWorld, type World } from '../test/world.ts'

let world: World
let session: Session
let told: string[]

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  world = await startWorld()
  session = await world.session()
  told = []
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
  vi.useRealTimers()
})

const update = facts('update')
const ship = operation("update orders set status = 'shipped'", ['7'])

interface Held {
  readonly review: Review
  readonly answer: Promise<Authorization>
}

/** Asks, and waits until the question is there. */
async function held(asked: Operation = ship, signal?: AbortSignal): Promise<Held> {
  const answer = session.authorize(asked, update, (notice) => told.push(notice), signal)
  if (!(answer instanceof Promise)) throw new Error('not held')
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
  const [review] = await world.store.read.reviews.list('open', 1)
  return { review: review!, answer }
}

async function approve(review: Review, by = 'bob'): Promise<void> {
  const answered = await world.reviews.answer(await world.person(by), review.id, 'approve', 'fine')
  expect(answered.kind).toBe('answered')
}

async function state(review: Review): Promise<string | undefined> {
  return (await world.reviews.get(review.id))?.state
}

async function pass(ms: number): Promise<void> {
  world.clock.advance(ms)
  await vi.advanceTimersByTimeAsync(ms)
}

describe('an operation that waits for a review', () => {
  it('is given up where its client cannot be told any more, and nothing else ends', async () => {
    const broken = new Error('a notice that fails')
    const tell = (): void => {
      if (told.push('told') > 1) throw broken
    }
    const answer = session.authorize(ship, update, tell) as Promise<Authorization>
    const outcome = answer.catch((thrown: unknown) => thrown)
    await vi.waitFor(() => expect(told).toHaveLength(1))
    const [review] = await world.store.read.reviews.list('open', 1)
    await pass(10_000)
    expect(await outcome).toMatchObject({ cause: broken })
    expect(await state(review!)).toBe('withdrawn')
  })

  it.each([
    [
      'the store fails when it is told of the end',
      () => {
        vi.spyOn(world.reviews, 'use').mockRejectedValueOnce(new Fault('gateway/store-unavailable', 'busy'))
      },
    ],
    [
      'the store fails when it is looked at',
      () => {
        vi.spyOn(world.reviews, 'get').mockRejectedValueOnce(new Fault('gateway/store-unavailable', 'busy'))
      },
    ],
  ])('does not run, and waits no more, where %s', async (_, fail) => {
    const { review, answer } = await held()
    fail()
    const outcome = answer.catch((thrown: unknown) => thrown)
    await world.reviews.answer(await world.person('bob'), review.id, 'approve')
    expect(await outcome).toMatchObject({ code: 'gateway/store-unavailable' })
    expect(await state(review)).toBe('withdrawn')
    expect(world.events.slice(1)).toMatchObject([
      { kind: 'review-asked', review: review.id },
      { kind: 'review-ended', review: review.id, state: 'withdrawn' },
    ])
  })

  it('is told who may answer, where and until when, at once and every ten seconds', async () => {
    const { review, answer } = await held()
    expect(told).toEqual([
      `waiting for approval by dba (changes are reviewed): sallyport reviews approve ${review.id}, within 10 min`,
    ])
    await pass(10_000)
    await pass(10_000)
    expect(told).toHaveLength(3)
    await approve(review)
    await answer
    await pass(10_000)
    expect(told).toHaveLength(3)
  })

  it('is told who else must approve when one of several groups has', async () => {
    world.policy.replace(pointOf(rules.replace('@review("dba")', '@review("2 dba & security")'), '2'))
    await world.setGroups('dora', ['security'])
    const { review, answer } = await held()
    await approve(review)
    await vi.waitFor(() => expect(told).toHaveLength(2))
    await approve(review, 'dora')
    await vi.waitFor(() => expect(told).toHaveLength(3))
    await pass(10_000)
    expect(told.map((notice) => notice.slice(0, notice.indexOf(' (')))).toEqual([
      'waiting for 2 approvals by dba, and 1 by security',
      'waiting for approval by dba, and by security',
      'waiting for approval by dba',
      'waiting for approval by dba',
    ])
    await approve(review, 'carol')
    expect(await answer).toMatchObject({ kind: 'permit' })
    expect((await world.recorded(session))[1]).toMatchObject({
      kind: 'review-asked',
      reviewers: ['dba', 'security'],
      needs: [
        { groups: ['dba'], approvals: 2 },
        { groups: ['security'], approvals: 1 },
      ],
    })
  })

  it('is told of whom nobody approved it in time', async () => {
    world.policy.replace(pointOf(rules.replace('@review("dba")', '@review("dba & security")'), '2'))
    const { review, answer } = await held()
    await approve(review)
    await vi.waitFor(() => expect(told).toHaveLength(2))
    await pass(600_000)
    expect(await answer).toMatchObject({
      code: 'review-expired',
      reason: 'it was not approved by security within 10 min',
    })
  })

  it('runs when it is approved, and is recorded with its review and its reviewer', async () => {
    const { review, answer } = await held()
    await approve(review)
    expect(await answer).toMatchObject({ kind: 'permit', id: 1 })
    expect(await state(review)).toBe('used')
    expect((await world.recorded(session)).slice(1)).toMatchObject([
      { kind: 'review-asked', review: review.id, reviewers: ['dba'], text: ship.text },
      { kind: 'review-ended', review: review.id, state: 'used', by: ['user:bob'], comment: 'fine' },
      {
        kind: 'operation',
        id: 1,
        text: ship.text,
        parameters: ['7'],
        effect: 'review',
        policies: ['reviewed-updates'],
        review: review.id,
      },
    ])
    expect(world.events.slice(1)).toMatchObject([
      { kind: 'review-asked', review: review.id },
      { kind: 'review-ended', review: review.id, state: 'used' },
    ])
  })

  it('is reviewed again when it is sent again: an approval serves once', async () => {
    const first = await held()
    await approve(first.review)
    await first.answer
    told = []
    const second = await held()
    expect(second.review.id).not.toBe(first.review.id)
    await approve(second.review)
    expect(await second.answer).toMatchObject({ kind: 'permit', id: 2 })
  })

  it('is refused when it is denied, in the reviewer’s words', async () => {
    const { review, answer } = await held()
    await world.reviews.answer(await world.person('bob'), review.id, 'deny', 'not on\na Friday')
    expect(await answer).toEqual({
      kind: 'refusal',
      code: 'review-denied',
      reason: 'denied by bob: not on a Friday',
    })
    expect((await world.recorded(session)).at(-1)).toMatchObject({ kind: 'operation', effect: 'deny' })
  })

  it('runs where it was approved before anybody watched', async () => {
    const ask = world.reviews.ask.bind(world.reviews)
    vi.spyOn(world.reviews, 'ask').mockImplementation(async (question) => {
      const asked = await ask(question)
      await approve(asked)
      return asked
    })
    expect(await session.authorize(ship, update, () => {})).toMatchObject({ kind: 'permit' })
  })

  it('is refused when its time is over', async () => {
    const { review, answer } = await held()
    await pass(600_000)
    expect(await answer).toMatchObject({
      code: 'review-expired',
      reason: 'it was not approved by dba within 10 min',
    })
    expect(await state(review)).toBe('expired')
  })

  it('is withdrawn when the client takes it back, and an approval comes too late', async () => {
    const client = new AbortController()
    const { review, answer } = await held(ship, client.signal)
    client.abort()
    expect(await answer).toMatchObject({ code: 'review-withdrawn' })
    expect(await state(review)).toBe('withdrawn')
    expect(await world.reviews.answer(await world.person('bob'), review.id, 'approve')).toMatchObject({
      why: 'over',
    })
  })

  it('is withdrawn when it was taken back before it could be asked', async () => {
    const answer = session.authorize(ship, update, () => {}, AbortSignal.abort())
    expect(await answer).toMatchObject({ code: 'review-withdrawn' })
    expect(await world.store.read.reviews.list('withdrawn', 10)).toHaveLength(1)
  })

  it('runs or is withdrawn, never both, when it is taken back while it is approved', async () => {
    for (let round = 0; round < 10; round++) {
      told = []
      const client = new AbortController()
      const { review, answer } = await held(ship, client.signal)
      const approving = approve(review)
      for (let turn = 0; turn < round * 2; turn++) await Promise.resolve()
      client.abort()
      await approving.catch(() => undefined)
      const ending = (await answer).kind === 'permit' ? 'used' : 'withdrawn'
      expect(await state(review)).toBe(ending)
    }
  })

  it.each([
    ['is killed', async () => world.sessions.kill(session.id, await world.person('bob'))],
    ['loses its user', () => world.disable('alice')],
    ['is closed', () => session[Symbol.asyncDispose]()],
  ])('is withdrawn when its session %s', async (_, end) => {
    const { review, answer } = await held()
    await end()
    expect(await answer).toMatchObject({ code: 'review-withdrawn' })
    expect(await state(review)).toBe('withdrawn')
  })

  it('is refused, not asked, where it is too large for people to judge', async () => {
    const answer = session.authorize(operation('x'.repeat(1024 * 1024), ['x']), update, () => {})
    expect(await answer).toMatchObject({ code: 'too-complex' })
    expect(await world.store.read.reviews.list('any', 10)).toEqual([])
  })
})

describe('when it is released, everything is looked at again', () => {
  /** Between the use of an approval and what is made of it. */
  const afterUse = (happens: () => void): void => {
    const use = world.reviews.use.bind(world.reviews)
    vi.spyOn(world.reviews, 'use').mockImplementation(async (...terms) => {
      const isUsed = await use(...terms)
      happens()
      return isUsed
    })
  }

  it('refuses it where policy denies it by now', async () => {
    const { review, answer } = await held()
    const ddl =
      '@id("frozen") @reason("frozen until Monday") forbid (principal, action == Action::"update", resource);'
    world.policy.replace(pointOf(`${rules} ${ddl}`, '2'))
    await approve(review)
    expect(await answer).toMatchObject({ code: 'denied', reason: 'frozen until Monday' })
    expect(await state(review)).toBe('withdrawn')
  })

  it('refuses it where policy asks for other reviewers by now', async () => {
    const { review, answer } = await held()
    world.policy.replace(pointOf(rules.replace('@review("dba")', '@review("security")'), '2'))
    await approve(review)
    expect(await answer).toMatchObject({ code: 'review-stale' })
  })

  it('refuses it where policy asks for more approvals by now', async () => {
    const { review, answer } = await held()
    world.policy.replace(pointOf(rules.replace('@review("dba")', '@review("dba") @reviewers("2")'), '2'))
    await approve(review)
    expect(await answer).toMatchObject({ code: 'review-stale' })
  })

  it('lets it run where policy changes in what it does not ask, even as the approval is used up', async () => {
    const { review, answer } = await held()
    world.policy.replace(pointOf(rules, '2'))
    afterUse(() => world.policy.replace(pointOf(rules, '3')))
    await approve(review)
    expect(await answer).toMatchObject({ kind: 'permit' })
  })

  it('refuses it where policy asks for more as the approval is used up', async () => {
    const { review, answer } = await held()
    afterUse(() =>
      world.policy.replace(pointOf(rules.replace('@review("dba")', '@review("dba") @reviewers("2")'), '2')),
    )
    await approve(review)
    expect(await answer).toMatchObject({ code: 'review-stale' })
  })

  it('lets it run where policy asks for no review by now', async () => {
    const { review, answer } = await held()
    world.policy.replace(pointOf(rules.replace(/@review.*/, ''), '2'))
    await approve(review)
    expect(await answer).toMatchObject({ kind: 'permit' })
  })

  it('refuses it where who approved it is disabled by then', async () => {
    const { review, answer } = await held()
    const use = world.reviews.use.bind(world.reviews)
    vi.spyOn(world.reviews, 'use').mockImplementation(async (...terms) => {
      await world.disable('bob')
      return use(...terms)
    })
    await approve(review)
    expect(await answer).toMatchObject({
      code: 'review-stale',
      reason: 'the approval does not hold any more',
    })
  })

  it('waits on where one of those who approved it is disabled before the last one does', async () => {
    world.policy.replace(pointOf(rules.replace('@review("dba")', '@review("2 dba")'), '2'))
    const { review, answer } = await held()
    await approve(review)
    await world.disable('bob')
    await approve(review, 'carol')
    expect(await state(review)).toBe('open')
    await approve(review, 'dora')
    expect(await answer).toMatchObject({ kind: 'permit' })
  })

  it('refuses it where the operation is no longer what was approved', async () => {
    const parameter = Buffer.from([1])
    const { review, answer } = await held(operation('update orders set n = $1', [parameter]))
    parameter[0] = 2
    await approve(review)
    expect(await answer).toMatchObject({ code: 'review-stale', reason: 'it is not what was approved' })
  })
})
