import { randomBytes } from 'node:crypto'
import {
  accessRequestId,
  areMet,
  grantId,
  groupsIn,
  isDelegated,
  openNeeds,
  type AccessRequestId,
  type AccessRequestState,
  type Clock,
  type RequestTerms,
  type ReviewNeed,
  type Subject,
} from '@sallyport/core'
import type { AccessRequest, Grant, Store, Writers } from '@sallyport/store'
import { approversOf, isReviewerNow } from './approvals.ts'
import { askAnew } from './asked-anew.ts'
import type { CurrentPolicy } from './current-policy.ts'
import { isOutsideHours } from './denial.ts'
import type { Notify } from './events.ts'
import { isOwn, isParty } from './party.ts'
import { subjectOf, termsNow } from './request-terms.ts'

/** What somebody asks to be let in to, and why. */
export interface AccessQuestion {
  readonly resource: string
  /** The resource's first where absent. */
  readonly account?: string | undefined
  /** An hour where absent, or what policy allows where that is less. */
  readonly durationMs?: number | undefined
  readonly reason: string
  readonly ticket?: string | undefined
  /** Let in at once, to be reviewed afterwards. */
  readonly isBreakGlass: boolean
  /** The network address that asks. */
  readonly from: string
}

/**
 * Why nothing was asked. `unknown`: there is no such resource or account, or policy does not let it be asked for; which, is not told.
 */
export type AskProblem = 'unknown' | 'permitted' | 'too-long' | 'asked-before' | 'too-many' | 'no-break-glass'

export type Asked =
  | { readonly kind: 'asked'; readonly request: AccessRequest; readonly grant?: Grant | undefined }
  | { readonly kind: 'not-asked'; readonly why: AskProblem; readonly reason: string }

/**
 * Why an answer was not taken. `over`: it is answered, expired or withdrawn already, or was never open like this. `stale`: policy, the
 * requester or the resource is not what it was, so that it cannot be granted.
 */
export type RequestAnswerProblem =
  | 'unknown'
  | 'over'
  | 'own-request'
  | 'not-a-reviewer'
  | 'answered-before'
  | 'stale'

export type RequestAnswered =
  | { readonly kind: 'answered'; readonly request: AccessRequest; readonly grant?: Grant | undefined }
  | { readonly kind: 'not-answered'; readonly why: RequestAnswerProblem; readonly reason: string }

export interface AccessAnswerInput {
  readonly id: string
  readonly comment?: string | undefined
  /** The network address that answers. */
  readonly from: string
}

export interface AccessRequestParts {
  readonly store: Store
  readonly policy: CurrentPolicy
  readonly clock: Clock
  readonly notify: Notify
}

/**
 * Requests for access, and the grants that they become. All of it stands in the store, and every step is a compare-and-set there: of
 * two that answer, expire or withdraw at the same time, one does. Whether a grant lets in is judged at the gate, anew each time.
 */
export class AccessRequests {
  readonly #parts: AccessRequestParts

  constructor(parts: AccessRequestParts) {
    this.#parts = parts
  }

  async ask(by: Subject, question: AccessQuestion): Promise<Asked> {
    const { store, notify } = this.#parts
    const why = question.isBreakGlass ? 'break the glass' : 'ask for access'
    const asked = await store.write(by, why, (tx) => this.#ask(tx, by, question))
    if (asked.kind === 'asked') {
      const { id, resource, account, needs, state } = asked.request
      const reviewers = groupsIn(needs)
      notify({ kind: 'access-asked', request: id, subject: by, resource, account, reviewers, state })
    }
    return asked
  }

  /** The last approval that was needed makes the grant; one denial denies. */
  answer(by: Subject, verdict: 'approve' | 'deny', input: AccessAnswerInput): Promise<RequestAnswered> {
    return this.#answered(by, `${verdict} a request for access`, input.id, async (tx, request) => {
      const problem = this.#problem(by, request, 'open')
      if (problem !== undefined) return notAnswered(problem)
      if (!(await isReviewerNow(tx, by, request.needs))) return notAnswered('not-a-reviewer')
      const terms = verdict === 'approve' ? await termsNow(this.#parts.policy, tx, request) : undefined
      if (verdict === 'approve' && terms === undefined) return notAnswered('stale')
      const given = { byId: by.principal.id, verdict }
      const stillNeeded =
        terms === undefined ? [] : openNeeds(terms.needs, await approversOf(tx, [...request.answers, given]))
      if (!(await record(tx, by, 'open', verdict, input, stillNeeded))) return notAnswered('answered-before')
      if (terms === undefined) await tx.accessRequests.become(input.id, 'open', 'denied')
      const grant = terms && (await this.#grantIfApproved(tx, request.id, terms))
      return { kind: 'answered', request: (await tx.accessRequests.get(input.id)) ?? request, grant }
    })
  }

  /** Ends the review after a break-glass. */
  close(by: Subject, input: AccessAnswerInput & { readonly comment: string }): Promise<RequestAnswered> {
    return this.#answered(by, 'close the review of a break-glass', input.id, async (tx, request) => {
      const problem = this.#problem(by, request, 'unreviewed')
      if (problem !== undefined) return notAnswered(problem)
      if (!(await isReviewerNow(tx, by, request.needs))) return notAnswered('not-a-reviewer')
      if (!(await record(tx, by, 'unreviewed', 'close', input))) return notAnswered('answered-before')
      await tx.accessRequests.become(input.id, 'unreviewed', 'reviewed')
      return { kind: 'answered', request: (await tx.accessRequests.get(input.id)) ?? request }
    })
  }

  /** Takes an own request back. */
  withdraw(by: Subject, id: string): Promise<RequestAnswered> {
    return this.#answered(by, 'withdraw a request for access', id, async (tx, request) => {
      if (!isOwn(by, request)) return notAnswered('unknown')
      if (!(await tx.accessRequests.become(id, 'open', 'withdrawn'))) return notAnswered('over')
      return { kind: 'answered', request: (await tx.accessRequests.get(id)) ?? request }
    })
  }

  /** May this person answer it as it stands: approve or deny it, or close it after a break-glass? */
  mayAnswer(by: Subject, request: AccessRequest): boolean {
    if (request.state !== 'open' && request.state !== 'unreviewed') return false
    const hasAnswered = request.answers.some(({ byId }) => byId === by.principal.id)
    return !hasAnswered && this.#problem(by, request, request.state) === undefined
  }

  /** Is this person in a group that reviews it, and may review at all? Their own request included. */
  isReviewer(by: Subject, { needs }: Pick<AccessRequest, 'needs'>): boolean {
    return this.#isReviewerIn(by, groupsIn(needs))
  }

  /** Whose approval is missing, as policy asks and groups stand now. */
  async stillNeeded(request: AccessRequest): Promise<readonly ReviewNeed[]> {
    const { read } = this.#parts.store
    if (request.state !== 'open') return []
    const { needs } = (await termsNow(this.#parts.policy, read, request)) ?? request
    return openNeeds(needs, await approversOf(read, request.answers))
  }

  /** Its holder, those who review its request, and administrators. */
  mayRevoke(by: Subject, grant: Grant): boolean {
    if (isOwn(by, { ...grant, requester: grant.principal })) return true
    if (this.#isReviewerIn(by, grant.reviewers)) return true
    return this.#parts.policy.point.may(by, 'administer').effect === 'allow'
  }

  /**
   * Ends a grant for good: when this is done, every session that stood on it has ended.
   * @returns what it is now; undefined where there is none that the person may revoke; false where it was over already
   */
  async revoke(by: Subject, id: string, why?: string): Promise<Grant | false | undefined> {
    const { store, notify } = this.#parts
    const revoked = await store.write(by, 'revoke a grant', async (tx) => {
      const grant = await tx.grants.get(id)
      if (grant === undefined || !this.mayRevoke(by, grant)) return undefined
      const ended = await tx.grants.revoke({ id }, by.principal.id, why ?? null)
      return ended.length > 0 && ((await tx.grants.get(id)) ?? grant)
    })
    if (revoked) notify({ kind: 'grant-revoked', grant: revoked.id, by, resource: revoked.resource })
    return revoked
  }

  /** What was not answered in time. @returns how many */
  async expireOverdue(): Promise<number> {
    const { store, clock, notify } = this.#parts
    if ((await store.read.accessRequests.overdue(clock.now(), 1)).length === 0) return 0
    const expired = await store.write('system', 'expire requests for access', async (tx) => {
      const ended: AccessRequestId[] = []
      for (const id of await tx.accessRequests.overdue(clock.now(), maxAtOnce))
        if (await tx.accessRequests.become(id, 'open', 'expired')) ended.push(id)
      return ended
    })
    for (const request of expired) notify({ kind: 'access-answered', request, state: 'expired' })
    return expired.length
  }

  /** Puts open requests to those whom policy asks by now, where that is not whom it asked before. @returns how many */
  async askAnew(): Promise<number> {
    const moved = await askAnew(this.#parts)
    for (const { id, requester, actor, resource, account, needs } of moved) {
      const subject = subjectOf(requester, actor)
      const reviewers = groupsIn(needs)
      this.#parts.notify({
        kind: 'access-asked',
        request: id,
        subject,
        resource,
        account,
        reviewers,
        state: 'open',
      })
    }
    return moved.length
  }

  async #ask(tx: Writers, by: Subject, question: AccessQuestion): Promise<Asked> {
    const { policy, clock } = this.#parts
    const resource = await tx.resources.get(question.resource)
    const asked = question.account
    const account = resource?.accounts.find(({ name }, i) => (asked === undefined ? i === 0 : name === asked))
    if (resource === undefined || account === undefined) return notAsked('unknown')
    const decision = policy.point.signedInAsAsked().connect(by, resource, account.name)
    if (decision.effect === 'allow') return notAsked('permitted')
    if (decision.effect !== 'request')
      return notAsked('unknown', isOutsideHours(decision) ? decision.reason : undefined)
    if (by.scope?.some(({ asksNobody }) => asksNobody) === true)
      return notAsked('unknown', 'the token is one that asks nobody')
    const { terms } = decision
    const durationMs = question.durationMs ?? Math.min(usualMs, terms.durationMs)
    if (durationMs > terms.durationMs)
      return notAsked('too-long', `${words['too-long']}: at most ${inUnits(terms.durationMs)}`)
    if (question.isBreakGlass && !mayBreakGlass(by, terms)) return notAsked('no-break-glass')
    if ((await tx.accessRequests.waitingOf(by.principal.id)) >= maxWaiting) return notAsked('too-many')
    const now = clock.now()
    const request = {
      id: accessRequestId(now, randomBytes(16)),
      requester: by.principal,
      actor: by.actor,
      resource: resource.name,
      account: account.name,
      durationMs,
      reason: question.reason,
      ticket: question.ticket ?? null,
      askedFrom: question.from,
      policies: decision.policies,
      policyReason: decision.reason ?? null,
      needs: terms.needs,
      expiresAt: now + terms.withinMs,
    }
    const state = question.isBreakGlass ? 'unreviewed' : 'open'
    if (!(await tx.accessRequests.ask(request, state))) return notAsked('asked-before')
    const standing = { ...request, askedAt: now, state, answers: [] } as const
    const grant = question.isBreakGlass ? await this.#give(tx, standing, durationMs) : undefined
    return { kind: 'asked', request: standing, grant }
  }

  async #answered(
    by: Subject,
    why: string,
    id: string,
    step: (tx: Writers, request: AccessRequest) => Promise<RequestAnswered>,
  ): Promise<RequestAnswered> {
    const { store, notify } = this.#parts
    const answered = await store.write(by, why, async (tx) => {
      const request = await tx.accessRequests.get(id)
      return request === undefined ? notAnswered('unknown') : step(tx, request)
    })
    if (answered.kind === 'answered' && answered.request.state !== 'open') {
      const { request } = answered
      notify({ kind: 'access-answered', request: request.id, state: request.state })
    }
    return answered
  }

  #isReviewerIn(by: Subject, groups: readonly string[]): boolean {
    const isInGroup = groups.some((group) => by.principal.groups.includes(group))
    // With another sign-in, where policy asks for one: to see it takes none.
    const point = this.#parts.policy.point.signedInAsAsked()
    return isInGroup && point.may(by, 'review').effect === 'allow'
  }

  #problem(
    by: Subject,
    request: AccessRequest,
    state: 'open' | 'unreviewed',
  ): RequestAnswerProblem | undefined {
    if (isParty(by, request)) return 'own-request'
    const mayReview = this.#parts.policy.point.may(by, 'review').effect === 'allow'
    if (!mayReview || !this.isReviewer(by, request)) return 'not-a-reviewer'
    if (request.state !== state) return 'over'
    return state === 'open' && this.#parts.clock.now() >= request.expiresAt ? 'over' : undefined
  }

  async #grantIfApproved(tx: Writers, id: AccessRequestId, terms: RequestTerms): Promise<Grant | undefined> {
    const request = await tx.accessRequests.get(id)
    if (request === undefined) return undefined
    if (!areMet(terms.needs, await approversOf(tx, request.answers))) return undefined
    if (!(await tx.accessRequests.become(id, 'open', 'approved'))) return undefined
    return this.#give(tx, request, Math.min(request.durationMs, terms.durationMs))
  }

  async #give(tx: Writers, request: AccessRequest, durationMs: number): Promise<Grant | undefined> {
    const now = this.#parts.clock.now()
    const id = grantId(now, randomBytes(16))
    await tx.grants.give({
      id,
      request: request.id,
      principal: request.requester,
      actor: request.actor,
      resource: request.resource,
      account: request.account,
      reviewers: groupsIn(request.needs),
      approvers: request.answers.filter(({ verdict }) => verdict === 'approve').map(({ byId }) => byId),
      endsAt: now + durationMs,
    })
    return tx.grants.get(id)
  }
}

/** People only, and by their own hand. */
export function mayBreakGlass(subject: Subject, { breakGlass }: RequestTerms): boolean {
  return !isDelegated(subject) && subject.principal.groups.some((group) => breakGlass.includes(group))
}

function record(
  tx: Writers,
  { principal }: Subject,
  state: 'open' | 'unreviewed',
  verdict: 'approve' | 'deny' | 'close',
  { id, comment, from }: AccessAnswerInput,
  stillNeeded: readonly ReviewNeed[] = [],
): Promise<boolean> {
  const by = { byId: principal.id, byName: principal.name }
  const answer = { ...by, verdict, comment: comment ?? null, answeredFrom: from }
  return tx.accessRequests.answer(id, state, answer, stillNeeded)
}

function notAsked(why: AskProblem, reason: string = words[why]): Asked {
  return { kind: 'not-asked', why, reason }
}

function notAnswered(why: RequestAnswerProblem): RequestAnswered {
  return { kind: 'not-answered', why, reason: answerWords[why] }
}

/** As the command line takes it: `4h`, `90m`. */
export function inUnits(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : `${Math.floor(ms / 1000)}s`
}

const words: Readonly<Record<AskProblem, string>> = {
  unknown: 'there is no such resource or account, or you may not ask for it',
  permitted: 'you may reach it without asking',
  'too-long': 'that is longer than policy lets anyone have it',
  'asked-before': 'you have asked for it already, and it waits for an answer',
  'too-many': 'too many requests of yours wait for an answer or a review',
  'no-break-glass': 'policy does not let you in without an approval',
}

const answerWords: Readonly<Record<RequestAnswerProblem, string>> = {
  unknown: 'there is no such request',
  over: 'it is answered, expired or withdrawn already',
  'own-request': 'nobody reviews their own request',
  'not-a-reviewer': 'it is for others to answer',
  'answered-before': 'you have answered it before',
  stale: 'it cannot be granted any more: policy, the requester or the resource is not what it was',
}

/** The states in which somebody has something to do. */
export const waitingStates: readonly AccessRequestState[] = ['open', 'unreviewed']

const usualMs = 3_600_000
/** Of one principal. */
const maxWaiting = 20
const maxAtOnce = 1000
