import type { Kysely } from 'kysely'
import {
  approvalsIn,
  groupsIn,
  mayBecome,
  reviewTransitions,
  type Actor,
  type BlastRadius,
  type Principal,
  type ReviewId,
  type ReviewNeed,
  type ReviewState,
  type SessionId,
  type WebhookEvent,
  type WebhookNews,
} from '@sallyport/core'
import type { Change } from '../changes.ts'
import { shortened, shortenedOrNull, answerTold, tellWebhooks, told, toldActor } from '../outbox.ts'
import type { Tables } from '../schema.ts'

/** One reviewer's answer; each has one. */
export interface ReviewAnswer {
  /** Principal id. */
  readonly byId: string
  readonly byName: string
  readonly verdict: 'approve' | 'deny'
  readonly comment: string | null
  readonly at: number
}

/** A question to reviewers: one operation, in one session, once. */
export interface Review {
  readonly id: ReviewId
  readonly session: SessionId
  /** Hash of all that decides what the operation does. */
  readonly digest: string
  readonly requester: Principal
  readonly actor: Actor
  readonly resource: string
  readonly account: string
  readonly text: string
  /** As shown: text, `base64:…` for binary ones, null for NULL. */
  readonly parameters: readonly (string | null)[]
  readonly reason: string | null
  readonly policies: readonly string[]
  readonly needs: readonly ReviewNeed[]
  readonly askedAt: number
  readonly expiresAt: number
  readonly state: ReviewState
  /** Null where nobody estimated. */
  readonly blastRadius: BlastRadius | null
  readonly answers: readonly ReviewAnswer[]
}

export class ReviewReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  async get(id: string): Promise<Review | undefined> {
    const row = await this.db.selectFrom('reviews').selectAll().where('id', '=', id).executeTakeFirst()
    return row && parse(row, await this.#answers([id]))
  }

  /** Newest first. */
  async list(state: ReviewState | 'any', limit: number): Promise<readonly Review[]> {
    let query = this.db.selectFrom('reviews').selectAll().orderBy('id', 'desc').limit(limit)
    if (state !== 'any') query = query.where('state', '=', state)
    const rows = await query.execute()
    const answers = await this.#answers(rows.map(({ id }) => id))
    return rows.map((row) => parse(row, answers))
  }

  async #answers(reviews: readonly string[]): Promise<readonly Tables['answers'][]> {
    if (reviews.length === 0) return []
    return this.db
      .selectFrom('answers')
      .selectAll()
      .where('review', 'in', reviews)
      .orderBy('at')
      .orderBy('byId')
      .execute()
  }
}

export class ReviewWriter extends ReviewReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  async ask(review: Omit<Review, 'state' | 'answers' | 'askedAt'>): Promise<void> {
    await this.db
      .insertInto('reviews')
      .values({
        ...review,
        requester: JSON.stringify(review.requester),
        requesterId: review.requester.id,
        actor: JSON.stringify(review.actor),
        parameters: JSON.stringify(review.parameters),
        policies: JSON.stringify(review.policies),
        needs: JSON.stringify(review.needs),
        blastRadius: review.blastRadius === null ? null : JSON.stringify(review.blastRadius),
        askedAt: this.#change.nowMs,
        state: 'open',
      })
      .execute()
    this.#change.note(`review ${review.id} asked by ${review.requester.id} in ${review.session}`, {
      table: 'reviews',
      key: review.id,
      verb: 'created',
    })
    await this.#tell('review-asked', review.id, { stillNeeded: review.needs })
  }

  /**
   * Takes an answer to an open review. Whether this reviewer may answer is the caller's to judge, and so is what is still needed then.
   * @returns false where it is unknown or no longer open, or this reviewer has answered before
   */
  async answer(
    id: string,
    answer: Omit<ReviewAnswer, 'at'>,
    stillNeeded: readonly ReviewNeed[],
  ): Promise<boolean> {
    const open = await this.db
      .selectFrom('reviews')
      .select('id')
      .where('id', '=', id)
      .where('state', '=', 'open')
      .executeTakeFirst()
    if (open === undefined) return false
    const { byId, byName, verdict, comment } = answer
    const { numInsertedOrUpdatedRows } = await this.db
      .insertInto('answers')
      .values({ review: id, byId, byName, verdict, comment, at: this.#change.nowMs })
      .onConflict((conflict) => conflict.columns(['review', 'byId']).doNothing())
      .executeTakeFirst()
    if (numInsertedOrUpdatedRows !== 1n) return false
    this.#change.note(`review ${id}: ${verdict} by ${byId}`, { table: 'reviews', key: id, verb: 'changed' })
    await this.#tell('review-answered', id, { answer, stillNeeded })
    return true
  }

  /**
   * Compare and set.
   * @returns false where it does not stand in `from` any more
   * @throws TypeError where no review may ever go from `from` to `to`
   */
  async become(id: string, from: ReviewState, to: ReviewState): Promise<boolean> {
    if (!mayBecome(from, to)) throw new TypeError(`a review cannot go from ${from} to ${to}`)
    const { numUpdatedRows } = await this.db
      .updateTable('reviews')
      .set({ state: to })
      .where('id', '=', id)
      .where('state', '=', from)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    const verb = to === 'approved' ? 'changed' : 'ended'
    this.#change.note(`review ${id} ${to}`, { table: 'reviews', key: id, verb })
    if (reviewTransitions[to].length === 0) await this.#tell('review-ended', id)
    return true
  }

  #tell(event: WebhookEvent, id: string, more: Told = {}): Promise<void> {
    const news = async (): Promise<WebhookNews> => newsOf((await this.get(id))!, more)
    return tellWebhooks(this.#change, { event, subject: id, news })
  }
}

interface Told {
  readonly answer?: Omit<ReviewAnswer, 'at'>
  readonly stillNeeded?: readonly ReviewNeed[]
}

function newsOf(review: Review, { answer, stillNeeded = [] }: Told): WebhookNews {
  const { id, state, session, resource, account, needs, expiresAt, blastRadius } = review
  return {
    about: 'review',
    review: {
      id,
      state,
      requester: told(review.requester),
      actor: toldActor(review.actor),
      session,
      resource,
      account,
      text: shortened(review.text),
      reason: shortenedOrNull(review.reason),
      blastRadius,
      reviewers: groupsIn(needs),
      approvalsNeeded: approvalsIn(needs),
      needs,
      stillNeeded,
      expiresAt,
    },
    answer: answer === undefined ? null : answerTold(answer),
  }
}

function parse(row: Tables['reviews'], answers: readonly Tables['answers'][]): Review {
  const { requesterId: _requesterId, ...rest } = row
  return {
    ...rest,
    id: row.id as ReviewId,
    session: row.session as SessionId,
    state: row.state as ReviewState,
    requester: JSON.parse(row.requester) as Principal,
    actor: JSON.parse(row.actor) as Actor,
    parameters: JSON.parse(row.parameters) as (string | null)[],
    policies: JSON.parse(row.policies) as string[],
    needs: JSON.parse(row.needs) as ReviewNeed[],
    blastRadius: row.blastRadius === null ? null : (JSON.parse(row.blastRadius) as BlastRadius),
    answers: answers
      .filter(({ review }) => review === row.id)
      .map(({ byId, byName, verdict, comment, at }) => ({
        byId,
        byName,
        verdict: verdict as 'approve' | 'deny',
        comment,
        at,
      })),
  }
}
