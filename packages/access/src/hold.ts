import { isDeepStrictEqual } from 'node:util'
import {
  asFault,
  Fault,
  groupsIn,
  needsInWords,
  refusal,
  type Clock,
  type Refusal,
  type ReviewNeed,
  type ReviewState,
  type Subject,
  type Tell,
} from '@sallyport/core'
import type { Recorder } from '@sallyport/recording'
import type { Review } from '@sallyport/store'
import { Bell } from './bell.ts'
import type { Notify } from './events.ts'
import type { Question, Reviews, Use } from './reviews.ts'

/** How often who waits is told so: well within the read time-outs of drivers. */
const heartbeatMs = 10_000

export interface HoldParts {
  readonly reviews: Reviews
  readonly recorder: Recorder
  readonly clock: Clock
  readonly notify: Notify
  readonly live: { readonly subject: Subject }
  /** What an approval must satisfy now, or why the operation may not run any more. */
  readonly recheck: (review: Review) => Promise<Use | Refusal>
}

/**
 * Asks the reviewers and waits: for their answer, for the end of the time, or for `signal`, by which the client takes it
 * back. @returns the review, used up, or why the operation does not run
 * @throws Fault where the store or the recorder fails: then it does not run either
 */
export async function hold(
  parts: HoldParts,
  question: Question,
  tell: Tell,
  signal: AbortSignal,
): Promise<Review | Refusal> {
  const { reviews, clock, notify, live } = parts
  const asked = await reviews.ask(question)
  const askedMs = clock.elapsed()
  const { id: review, session, needs } = asked
  notify({ kind: 'review-asked', review, session, reviewers: groupsIn(needs) })
  let state: ReviewState = 'withdrawn'
  try {
    const { outcome, ended } = await recordedHold(parts, asked, tell, signal)
    state = ended.state
    if (outcome instanceof Fault) throw outcome
    return outcome === 'used' ? ended : outcome
  } catch (thrown) {
    // Nobody waits for it any more. Where the store cannot be told either, `closeLost` finds it.
    await reviews.withdraw(live.subject, review).catch(() => undefined)
    throw thrown
  } finally {
    notify({ kind: 'review-ended', review, session, state, waitedMs: Math.round(clock.elapsed() - askedMs) })
  }
}

/** The hold between what is recorded of its beginning and its end. @throws Fault where the store or the recorder fails */
async function recordedHold(
  parts: HoldParts,
  asked: Review,
  tell: Tell,
  signal: AbortSignal,
): Promise<{ outcome: 'used' | Refusal | Fault; ended: Review }> {
  const { reviews, recorder } = parts
  const { id, needs, text, blastRadius } = asked
  recorder.append({
    kind: 'review-asked',
    review: id,
    reviewers: groupsIn(needs),
    needs,
    text,
    ...(blastRadius !== null && { blastRadius }),
  })
  const outcome = await new Hold(parts, asked, tell, signal).wait()
  const ended = (await reviews.get(id)) ?? asked
  recorder.append({
    kind: 'review-ended',
    review: id,
    state: ended.state === 'open' ? 'withdrawn' : ended.state,
    by: ended.answers.map(({ byId }) => byId),
    ...lastComment(ended),
  })
  return { outcome, ended }
}

class Hold {
  readonly #parts: HoldParts
  readonly #asked: Review
  readonly #tell: Tell
  readonly #signal: AbortSignal
  readonly #bell = new Bell()
  #stillNeeded: readonly ReviewNeed[]
  #isLate = false
  #failure: Fault | undefined

  constructor(parts: HoldParts, asked: Review, tell: Tell, signal: AbortSignal) {
    this.#parts = parts
    this.#asked = asked
    this.#stillNeeded = asked.needs
    this.#tell = tell
    this.#signal = signal
  }

  /** @returns the fault by which it was given up, too: its review has ended then */
  async wait(): Promise<'used' | Refusal | Fault> {
    const { reviews, clock } = this.#parts
    using _watch = reviews.watch(this.#asked.id, this.#bell.ring)
    const heartbeat = setInterval(() => this.#remind(), heartbeatMs)
    const limit = setTimeout(() => {
      this.#isLate = true
      this.#bell.ring()
    }, this.#asked.expiresAt - clock.now())
    this.#signal.addEventListener('abort', this.#bell.ring, { once: true })
    try {
      this.#say()
      // It may have been answered, or taken back, before anybody watched.
      this.#bell.ring()
      return await this.#answer()
    } finally {
      this.#signal.removeEventListener('abort', this.#bell.ring)
      clearTimeout(limit)
      clearInterval(heartbeat)
    }
  }

  async #answer(): Promise<'used' | Refusal | Fault> {
    const { reviews } = this.#parts
    const { id } = this.#asked
    for (;;) {
      await this.#bell.next()
      if (this.#signal.aborted) return this.#withdraw()
      if (this.#failure !== undefined) {
        await this.#withdraw()
        return this.#failure
      }
      const review = await reviews.get(id)
      switch (review?.state) {
        case 'open':
          if (this.#isLate && (await reviews.expire(this.#by, id))) return this.#expired(review)
          await this.#follow(review)
          break
        case 'approved':
          return this.#use(review)
        case 'denied':
          return denied(review)
        case 'expired':
          return this.#expired(review)
        case 'withdrawn':
          return withdrawn
        case 'used':
        case undefined:
          throw new Fault('gateway/internal', 'the review of this operation is gone')
      }
    }
  }

  /** The client may take it back while it is being released: then it is taken back, or runs, never both. */
  async #use(review: Review): Promise<'used' | Refusal> {
    const { reviews, recheck } = this.#parts
    const use = await recheck(review)
    if (this.#signal.aborted) return this.#withdraw()
    if ('kind' in use) {
      await this.#withdraw()
      return use
    }
    if (await reviews.use(this.#by, review.id, use)) return 'used'
    await this.#withdraw()
    return stale('the approval does not hold any more')
  }

  async #withdraw(): Promise<Refusal> {
    await this.#parts.reviews.withdraw(this.#by, this.#asked.id)
    return withdrawn
  }

  get #by(): Subject {
    return this.#parts.live.subject
  }

  /** What is thrown from a timer, nobody else would catch: it would end the gateway, not this operation. */
  #remind(): void {
    try {
      this.#say()
    } catch (thrown) {
      this.#failure = asFault(thrown)
      this.#bell.ring()
    }
  }

  /** Some may have approved it while others have not. */
  async #follow(review: Review): Promise<void> {
    const stillNeeded = await this.#parts.reviews.stillNeeded(review)
    if (isDeepStrictEqual(stillNeeded, this.#stillNeeded)) return
    this.#stillNeeded = stillNeeded
    this.#say()
  }

  #say(): void {
    const { id, expiresAt, reason } = this.#asked
    const left = inWords(expiresAt - this.#parts.clock.now())
    const why = reason === null ? '' : ` (${reason})`
    const what = needsInWords(this.#stillNeeded)
    this.#tell(`waiting for ${what}${why}: sallyport reviews approve ${id}, within ${left}`)
  }

  #expired({ askedAt, expiresAt }: Review): Refusal {
    const who = this.#stillNeeded.map(({ groups }) => groups.join(' or ')).join(', and by ')
    return refusal('review-expired', `it was not approved by ${who} within ${inWords(expiresAt - askedAt)}`)
  }
}

export function stale(why: string): Refusal {
  return refusal('review-stale', why, 'send it again to ask for a new review')
}

const withdrawn = refusal('review-withdrawn', 'the request for a review was withdrawn')

function denied({ answers }: Review): Refusal {
  const denial = answers.find(({ verdict }) => verdict === 'deny')
  const comment = denial?.comment == null ? '' : `: ${oneLine(denial.comment)}`
  return refusal('review-denied', `denied by ${denial?.byName ?? 'a reviewer'}${comment}`)
}

function lastComment({ answers }: Review): { comment?: string } {
  const comment = answers.findLast((answer) => answer.comment !== null)?.comment
  return comment == null ? {} : { comment }
}

/** People's words, on one line, as refusals and notices are. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

function inWords(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`
}
