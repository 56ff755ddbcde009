import { randomBytes } from 'node:crypto'
import {
  areAsked,
  areMet,
  openNeeds,
  reviewId,
  type BlastRadius,
  type Clock,
  type Decision,
  type Operation,
  type Parameter,
  type ReviewId,
  type ReviewNeed,
  type Subject,
} from '@sallyport/core'
import type { Review, Store, StoreChange } from '@sallyport/store'
import { standingToken } from '@sallyport/identity'
import { approversOf, isReviewerNow } from './approvals.ts'
import type { CurrentPolicy } from './current-policy.ts'
import type { Place } from './digest.ts'
import { isParty } from './party.ts'

type ReviewDecision = Extract<Decision, { effect: 'review' }>

/** An operation that waits for people, and why. */
export interface Question {
  readonly place: Place
  readonly subject: Subject
  readonly operation: Operation
  /** See `digestOf`. */
  readonly digest: string
  readonly decision: ReviewDecision
  readonly blastRadius?: BlastRadius | undefined
}

/** Why an answer was not taken. `over`: it is answered, expired or withdrawn already. */
export type AnswerProblem = 'unknown' | 'over' | 'own-request' | 'not-a-reviewer' | 'answered-before'

export type Answered =
  | { readonly kind: 'answered'; readonly review: Review }
  | { readonly kind: 'not-answered'; readonly why: AnswerProblem; readonly reason: string }

/** What an approval must still satisfy when it is used. */
export interface Use {
  /** See `digestOf`. */
  readonly digest: string
  /** As policy asks now; those who approved must meet them by the groups that they are in now. */
  readonly needs: readonly ReviewNeed[]
  /** The requester's, which must live. */
  readonly tokenId: string
}

export interface ReviewParts {
  readonly store: Store
  readonly policy: CurrentPolicy
  readonly clock: Clock
}

/**
 * Questions to reviewers, in the store; whatever changes one, in whatever way, wakes who waits for it. Every step is a
 * compare-and-set there: of two that answer, expire or withdraw at the same time, one does.
 */
export class Reviews implements Disposable {
  readonly #parts: ReviewParts
  readonly #waiting = new Map<string, () => void>()
  readonly #subscription: Disposable

  constructor(parts: ReviewParts) {
    this.#parts = parts
    this.#subscription = parts.store.onCommit((changes) => this.#onCommit(changes))
  }

  async ask({ place, subject, operation, digest, decision, blastRadius }: Question): Promise<Review> {
    const { store, clock } = this.#parts
    const now = clock.now()
    const review = {
      id: reviewId(now, randomBytes(16)),
      ...place,
      digest,
      requester: subject.principal,
      actor: subject.actor,
      text: operation.text,
      parameters: operation.parameters.map(shown),
      reason: decision.reason ?? null,
      policies: decision.policies,
      needs: decision.terms.needs,
      expiresAt: now + decision.terms.withinMs,
      blastRadius: blastRadius ?? null,
    }
    await store.write(subject, 'ask for a review', (tx) => tx.reviews.ask(review))
    return { ...review, askedAt: now, state: 'open', answers: [] }
  }

  /** Takes an answer; the last approval that was needed approves it, one denial denies it. What counts: see {@link openNeeds}. */
  answer(by: Subject, id: string, verdict: 'approve' | 'deny', comment?: string): Promise<Answered> {
    return this.#parts.store.write(by, `${verdict} a review`, async (tx): Promise<Answered> => {
      const review = await tx.reviews.get(id)
      if (review === undefined) return notAnswered('unknown')
      const problem = this.#problem(by, review)
      if (problem !== undefined) return notAnswered(problem)
      if (!(await isReviewerNow(tx, by, review.needs))) return notAnswered('not-a-reviewer')
      const { id: byId, name: byName } = by.principal
      const answer = { byId, byName, verdict, comment: comment ?? null }
      const approvers = await approversOf(tx, [...review.answers, answer])
      const stillNeeded = verdict === 'approve' ? openNeeds(review.needs, approvers) : []
      if (!(await tx.reviews.answer(id, answer, stillNeeded))) return notAnswered('answered-before')
      if (verdict === 'deny') await tx.reviews.become(id, 'open', 'denied')
      else if (areMet(review.needs, approvers)) await tx.reviews.become(id, 'open', 'approved')
      return { kind: 'answered', review: (await tx.reviews.get(id)) ?? review }
    })
  }

  /** Whose approval is missing, as groups stand now. */
  async stillNeeded({ state, needs, answers }: Review): Promise<readonly ReviewNeed[]> {
    return state === 'open' ? openNeeds(needs, await approversOf(this.#parts.store.read, answers)) : []
  }

  mayAnswer(by: Subject, review: Review): boolean {
    const hasAnswered = review.answers.some(({ byId }) => byId === by.principal.id)
    return !hasAnswered && this.#problem(by, review) === undefined
  }

  #problem(by: Subject, review: Review): AnswerProblem | undefined {
    const { policy, clock } = this.#parts
    if (isParty(by, review)) return 'own-request'
    const isReviewer = areAsked(by.principal.groups, review.needs)
    if (!isReviewer || policy.point.may(by, 'review').effect !== 'allow') return 'not-a-reviewer'
    return review.state !== 'open' || clock.now() >= review.expiresAt ? 'over' : undefined
  }

  get(id: ReviewId): Promise<Review | undefined> {
    return this.#parts.store.read.reviews.get(id)
  }

  /** Calls `wake` after every change of this review, until disposed. One waits at a time. */
  watch(id: ReviewId, wake: () => void): Disposable {
    this.#waiting.set(id, wake)
    return { [Symbol.dispose]: () => void this.#waiting.delete(id) }
  }

  /** For who waits. @returns false where it is not open any more */
  expire(by: Subject, id: ReviewId): Promise<boolean> {
    return this.#parts.store.write(by, 'expire a review', (tx) => tx.reviews.become(id, 'open', 'expired'))
  }

  /** For who waited. @returns false where it was over already */
  withdraw(by: Subject, id: ReviewId): Promise<boolean> {
    return this.#parts.store.write(
      by,
      'withdraw a review',
      async (tx) =>
        (await tx.reviews.become(id, 'open', 'withdrawn')) ||
        (await tx.reviews.become(id, 'approved', 'withdrawn')),
    )
  }

  /**
   * Uses an approval up, in one step with all that it depends on. It can be used once.
   * @returns false where it cannot be, or not any more
   */
  use(by: Subject, id: ReviewId, { digest, needs, tokenId }: Use): Promise<boolean> {
    return this.#parts.store.write(by, 'run a reviewed operation', async (tx) => {
      const review = await tx.reviews.get(id)
      if (review?.digest !== digest) return false
      if ((await standingToken(tx, tokenId, this.#parts.clock.now())) === undefined) return false
      if (!areMet(needs, await approversOf(tx, review.answers))) return false
      return tx.reviews.become(id, 'approved', 'used')
    })
  }

  /**
   * At start: nobody waits any more for what a gateway that died had asked.
   * @param ofSessions only what these had asked: those of one process that died while others live
   * @returns how many
   */
  withdrawLeftovers(ofSessions?: ReadonlySet<string>): Promise<number> {
    return this.#parts.store.write('system', 'withdraw reviews whose sessions are gone', async (tx) => {
      let count = 0
      for (const from of ['open', 'approved'] as const)
        for (const { id, session } of await tx.reviews.list(from, maxLeftovers))
          if (ofSessions?.has(session) !== false && (await tx.reviews.become(id, from, 'withdrawn'))) count++
      return count
    })
  }

  /**
   * Closes those whose session has ended, or that were to end a while ago: whoever held the operation could not say so, since the store
   * failed it. @returns how many
   */
  async closeLost(): Promise<number> {
    const lost: { id: ReviewId; from: 'open' | 'approved'; to: 'withdrawn' | 'expired' }[] = []
    const { store, clock } = this.#parts
    for (const from of ['open', 'approved'] as const)
      for (const { id, session, expiresAt } of await store.read.reviews.list(from, maxLeftovers)) {
        const row = await store.read.sessions.get(session)
        if (row === undefined || row.endedAt !== null) lost.push({ id, from, to: 'withdrawn' })
        else if (clock.now() >= expiresAt + lateMs) lost.push({ id, from, to: 'expired' })
      }
    if (lost.length === 0) return 0
    return store.write('system', 'close reviews that nobody waits for', async (tx) => {
      let count = 0
      for (const { id, from, to } of lost) if (await tx.reviews.become(id, from, to)) count++
      return count
    })
  }

  #onCommit(changes: readonly StoreChange[]): void {
    for (const { table, key } of changes) if (table === 'reviews') this.#waiting.get(key)?.()
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}

function shown(parameter: Parameter): string | null {
  if (parameter === null || typeof parameter === 'string') return parameter
  return `base64:${Buffer.from(parameter).toString('base64')}`
}

function notAnswered(why: AnswerProblem): Answered {
  return { kind: 'not-answered', why, reason: words[why] }
}

const words: Readonly<Record<AnswerProblem, string>> = {
  unknown: 'there is no such review',
  over: 'it is answered, expired or withdrawn already',
  'own-request': 'nobody reviews their own request',
  'not-a-reviewer': 'it is for others to answer',
  'answered-before': 'you have answered it before',
}

/** Each belongs to one session, of which there are fewer. */
const maxLeftovers = 100_000
/** Who waits ends it by itself before, where the store lets it. */
const lateMs = 60_000
