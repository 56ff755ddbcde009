import { isDeepStrictEqual } from 'node:util'
import {
  isRefusal,
  mintPermit,
  refusal,
  watchersInWords,
  type Authorization,
  type Clock,
  type Decision,
  type Facts,
  type Operation,
  type OperationId,
  type Outcome,
  type Permit,
  type Refusal,
  type Resource,
  type ReviewId,
  type SessionId,
  type Subject,
  type Tell,
} from '@sallyport/core'
import type { Authenticated } from '@sallyport/identity'
import type { Recorder } from '@sallyport/recording'
import type { Review } from '@sallyport/store'
import { attend, notWatched, unwatchable } from './attendance.ts'
import type { SessionAudience } from './audience.ts'
import { blastRadiusOf } from './blast-radius.ts'
import type { CurrentPolicy } from './current-policy.ts'
import { denied } from './denial.ts'
import { digestOf } from './digest.ts'
import type { Notify } from './events.ts'
import { hold, stale } from './hold.ts'
import type { Reviews, Use } from './reviews.ts'
import { needsStepUp, type StepUpDoor } from './step-up.ts'

/** Reviewers read what they approve. Text and parameters beyond this are not theirs to judge. */
const maxReviewBytes = 1024 * 1024

export interface EnforcerParts {
  readonly session: SessionId
  readonly resource: Resource
  readonly account: string
  readonly token: Authenticated['token']
  /** The session as it stands: its subject's groups may change while it lives, and it ends by its signal. */
  readonly live: { readonly subject: Subject; readonly signal: AbortSignal }
  readonly policy: CurrentPolicy
  readonly reviews: Reviews
  readonly stepUp: StepUpDoor
  readonly recorder: Recorder
  readonly audience: Pick<SessionAudience, 'isMet' | 'onChange'>
  readonly clock: Clock
  readonly notify: Notify
}

type ReviewDecision = Extract<Decision, { effect: 'review' }>
type StepUpDecision = Extract<Decision, { effect: 'step-up' }>
type PermittingDecision = Exclude<Decision, StepUpDecision>
type RefusingDecision = StepUpDecision | (Decision & { readonly effect: 'deny' })

/**
 * The one ordering of one session: decide, have it reviewed, record, then a Permit. The only place that mints Permits,
 * and the only one that records operations.
 */
export class Enforcer {
  readonly #parts: EnforcerParts
  readonly #isStrict: boolean
  readonly #over = new AbortController()
  readonly #holds = new Set<Promise<unknown>>()
  /** What was asked of reviewers, by the permit that they gave. */
  readonly #reviewed = new WeakMap<Permit, Use['needs']>()
  #operations = 0

  constructor(parts: EnforcerParts) {
    this.#parts = parts
    this.#isStrict = parts.resource.recording === 'strict'
  }

  /** How many operations there were, refused ones too. */
  get operations(): number {
    return this.#operations
  }

  // hot path: a decision that the decision point remembers (70 ns), one event recorded (3 µs), nothing awaited.
  authorize(
    operation: Operation,
    facts: readonly Facts[],
    tell: Tell,
    signal?: AbortSignal,
  ): Authorization | Promise<Authorization> {
    const decision = this.#decide(facts)
    const refused = unwatchable(operation, decision.obligations)
    if (refused !== undefined) return this.#deny(operation, facts, decision.policies, refused)
    if (isRefusing(decision))
      return this.#deny(operation, facts, decision.policies, this.#refusalOf(decision, facts))
    if (decision.effect === 'review')
      return this.#track(this.#review(operation, facts, decision, tell, signal))
    const { watchers } = decision.obligations
    if (watchers === undefined || this.#parts.audience.isMet(watchers))
      return this.#permit(operation, facts, decision)
    return this.#track(this.#whenWatched(operation, facts, decision, tell, signal))
  }

  /** Records what the protocol refuses by itself. */
  refuse(operation: Operation, refused: Refusal): Refusal {
    return this.#deny(operation, [], [], refused)
  }

  /** See `Session.stands`. hot path: nothing but a decision that is remembered. */
  stands(permit: Permit, facts: readonly Facts[]): boolean {
    const now = this.#decide(facts)
    const { watchers } = now.obligations
    if (watchers !== undefined && !this.#parts.audience.isMet(watchers)) return false
    const masked = now.obligations.maskedTags
    const before = permit.obligations.maskedTags
    if (masked !== before && ![...masked].every((tag) => before.has(tag))) return false
    if (now.effect !== 'review') return now.effect === 'allow'
    // An approval is for what it was asked under.
    return isDeepStrictEqual(now.terms.needs, this.#reviewed.get(permit))
  }

  finish({ id, sinceMs }: Permit, outcome: Outcome): void {
    const { recorder, clock } = this.#parts
    const durationMs = Math.round(clock.elapsed() - sinceMs)
    recorder.append({ kind: 'result', id, outcome, durationMs })
  }

  /** Takes back whatever is still held. Resolves when all of that is recorded. */
  async end(): Promise<void> {
    this.#over.abort()
    await Promise.allSettled(this.#holds)
  }

  #refusalOf(decision: RefusingDecision, facts: readonly Facts[]): Refusal {
    if (decision.effect !== 'step-up') return denied(decision, facts)
    const { live, token, stepUp: door } = this.#parts
    return needsStepUp(decision, { subject: live.subject, token, door }, 'run it again')
  }

  #decide(facts: readonly Facts[]): Decision {
    const { policy, live, resource, account } = this.#parts
    return policy.point.decide(live.subject, resource, account, facts)
  }

  #permit(
    operation: Operation,
    facts: readonly Facts[],
    decision: PermittingDecision,
    review?: ReviewId,
  ): Authorization | Promise<Authorization> {
    const effect = review === undefined ? decision.effect : 'review'
    const id = this.#record(operation, facts, effect, decision.policies, decision.reason, review)
    const permit = mintPermit(id, decision.obligations, this.#parts.clock.elapsed())
    if (decision.effect === 'review') this.#reviewed.set(permit, decision.terms.needs)
    if (!this.#isStrict) return permit
    return this.#parts.recorder.durable().then(() => permit)
  }

  #deny(
    operation: Operation,
    facts: readonly Facts[],
    policies: readonly string[],
    refused: Refusal,
  ): Refusal {
    this.#record(operation, facts, 'deny', policies, refused.reason)
    const { notify, session, resource } = this.#parts
    notify({ kind: 'operation-refused', session, resource: resource.name, code: refused.code })
    return refused
  }

  #record(
    { text, parameters }: Operation,
    facts: readonly Facts[],
    effect: 'allow' | 'deny' | 'review',
    policies: readonly string[],
    reason: string | undefined,
    review?: ReviewId,
  ): OperationId {
    // The one place that numbers operations.
    const id = (this.#operations + 1) as OperationId
    this.#parts.recorder.append({
      kind: 'operation',
      id,
      text,
      parameters,
      facts,
      effect,
      policies,
      ...(reason !== undefined && { reason }),
      ...(review !== undefined && { review }),
    })
    this.#operations++
    return id
  }

  /** What is permitted while somebody watches: it is judged again when they do. */
  async #whenWatched(
    operation: Operation,
    facts: readonly Facts[],
    decision: Decision,
    tell: Tell,
    signal: AbortSignal | undefined,
  ): Promise<Authorization> {
    const { live } = this.#parts
    const refuse = (refused: Refusal): Refusal => this.#deny(operation, facts, decision.policies, refused)
    const gone = await this.#attended(operation, facts, decision, tell, signal)
    if (gone !== undefined) return refuse(gone)
    if (live.signal.aborted) return refuse(stale('the session has ended'))
    const now = this.#decide(facts)
    if (isRefusing(now)) return refuse(this.#refusalOf(now, facts))
    if (now.effect === 'review') return this.#review(operation, facts, now, tell, signal)
    const { watchers } = now.obligations
    if (watchers !== undefined && !this.#parts.audience.isMet(watchers))
      return this.#whenWatched(operation, facts, now, tell, signal)
    return this.#permit(operation, facts, now)
  }

  /** Waits for those who must watch. @returns why it cannot run: what it names must be what it was while they were waited for */
  async #attended(
    operation: Operation,
    facts: readonly Facts[],
    { obligations: { watchers } }: Decision,
    tell: Tell,
    signal: AbortSignal | undefined,
  ): Promise<Refusal | undefined> {
    if (watchers === undefined || this.#parts.audience.isMet(watchers)) return undefined
    await operation.ground?.renew()
    const versions = operation.ground?.versions(facts)
    const { text } = operation
    const refused = await attend(this.#parts, { watchers, text }, tell, this.#givenUpBy(signal))
    await operation.ground?.renew()
    if (refused !== undefined || isDeepStrictEqual(versions, operation.ground?.versions(facts)))
      return refused
    return stale('what it names has changed while it waited')
  }

  #givenUpBy(signal: AbortSignal | undefined): AbortSignal {
    const signals = signal === undefined ? [] : [signal]
    return AbortSignal.any([this.#parts.live.signal, this.#over.signal, ...signals])
  }

  async #review(
    operation: Operation,
    facts: readonly Facts[],
    decision: ReviewDecision,
    tell: Tell,
    signal: AbortSignal | undefined,
  ): Promise<Authorization> {
    const { session, resource, account, live } = this.#parts
    const refuse = (refused: Refusal): Refusal => this.#deny(operation, facts, decision.policies, refused)
    if (sizeOf(operation) > maxReviewBytes)
      return refuse(refusal('too-complex', `it needs a review, and is larger than ${maxReviewBytes} bytes`))
    const place = { session, resource: resource.name, account }
    const gone = await this.#attended(operation, facts, decision, tell, signal)
    if (gone !== undefined) return refuse(gone)
    // What the reviewers look at is what is there now, and what is released must be the same.
    await operation.ground?.renew()
    const digestNow = (): string => digestOf(operation, place, operation.ground?.versions(facts))
    const digest = digestNow()
    let checked: Use['needs'] | undefined
    const recheck = async (review: Review): Promise<Use | Refusal> => {
      await operation.ground?.renew()
      const use = this.#recheck(review, facts, digestNow())
      if (!isRefusal(use)) checked = use.needs
      return use
    }
    const withdrawn = this.#givenUpBy(signal)
    const blastRadius = await blastRadiusOf(operation, withdrawn)
    const outcome = await hold(
      { ...this.#parts, recheck },
      { place, subject: live.subject, operation, digest, decision, blastRadius },
      tell,
      withdrawn,
    )
    if (isRefusal(outcome)) return refuse(outcome)
    if (live.signal.aborted) return refuse(stale('the session has ended'))
    const now = this.#decide(facts)
    if (isRefusing(now)) return refuse(this.#refusalOf(now, facts))
    // While the approval was being used up, what is asked for may have changed once more.
    if (now.effect === 'review' && !isDeepStrictEqual(now.terms.needs, checked))
      return refuse(stale('what it was approved under has changed'))
    const unfit = unwatchable(operation, now.obligations)
    if (unfit !== undefined) return refuse(unfit)
    const { watchers } = now.obligations
    if (watchers !== undefined && !this.#parts.audience.isMet(watchers))
      return refuse(notWatched(`${watchersInWords(watchers)} must watch it, and does not any more`))
    return this.#permit(operation, facts, now, outcome.id)
  }

  #recheck(review: Review, facts: readonly Facts[], digest: string): Use | Refusal {
    if (review.digest !== digest) return stale('it is not what was approved')
    const now = this.#decide(facts)
    if (isRefusing(now)) return this.#refusalOf(now, facts)
    const needs = now.effect === 'review' ? now.terms.needs : review.needs
    return { digest, needs, tokenId: this.#parts.token.id }
  }

  #track<T>(held: Promise<T>): Promise<T> {
    this.#holds.add(held)
    const forget = (): void => void this.#holds.delete(held)
    held.then(forget, forget)
    return held
  }
}

function isRefusing(decision: Decision): decision is RefusingDecision {
  return decision.effect === 'deny' || decision.effect === 'step-up'
}

function sizeOf({ text, parameters }: Operation): number {
  const sizes = parameters.map((parameter) => (parameter === null ? 0 : Buffer.byteLength(parameter)))
  return sizes.reduce((sum, size) => sum + size, Buffer.byteLength(text))
}
