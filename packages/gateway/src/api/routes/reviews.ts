import { isOwn, type Answered, type AnswerProblem, type Reviews } from '@sallyport/access'
import {
  approvalsIn,
  areAsked,
  groupsIn,
  isDelegated,
  type BlastRadius,
  type ReviewNeed,
  type Subject,
} from '@sallyport/core'
import type { Readers, Review } from '@sallyport/store'
import { notFound, ProblemError } from '../../front/problem.ts'
import type { Authorize } from '../authorize.ts'
import type { Caller, NounRoutes } from '../implementation.ts'
import { needsView, actorView, person, principalView, time } from '../views.ts'

export interface ReviewRouteParts {
  readonly read: Pick<Readers, 'reviews'>
  readonly reviews: Pick<Reviews, 'answer' | 'mayAnswer' | 'stillNeeded'>
  readonly authorize: Pick<Authorize, 'mayAdminister' | 'tellStepUp'>
}

export function reviewRoutes({ read, reviews, authorize }: ReviewRouteParts): NounRoutes<'reviews'> {
  const view = async (subject: Subject, review: Review) =>
    reviewView(review, await reviews.stillNeeded(review), reviews.mayAnswer(subject, review))
  const concerns = (subject: Subject, review: Review): boolean =>
    isOwn(subject, review) || isReviewer(subject, review) || authorize.mayAdminister(subject)
  const answer = async (
    caller: Caller,
    verdict: 'approve' | 'deny',
    { id, comment }: { readonly id: string; readonly comment?: string | undefined },
  ) => {
    const { subject } = caller
    const before = await read.reviews.get(id)
    if (before === undefined || !concerns(subject, before)) throw notFound('review')
    if (isReviewer(subject, before)) authorize.tellStepUp(caller, 'review')
    const answered = await reviews.answer(subject, id, verdict, comment)
    if (answered.kind === 'not-answered') throw notAnswered(answered)
    return view(subject, answered.review)
  }
  return {
    list: async ({ state, limit }, { caller: { subject } }) => {
      // What is not the caller's to see must not count against the limit.
      const all = await read.reviews.list(state, maxLooked)
      const seen = all.filter((review) => concerns(subject, review)).slice(0, limit)
      return { items: await Promise.all(seen.map((review) => view(subject, review))) }
    },
    get: async ({ id }, { caller: { subject } }) => {
      const review = await read.reviews.get(id)
      if (review === undefined || !concerns(subject, review)) throw notFound('review')
      return view(subject, review)
    },
    approve: (input, { caller }) => answer(caller, 'approve', input),
    deny: (input, { caller }) => answer(caller, 'deny', input),
  }
}

function isReviewer(subject: Subject, { needs }: Review): boolean {
  return !isDelegated(subject) && areAsked(subject.principal.groups, needs)
}

function notAnswered({ why, reason }: Extract<Answered, { kind: 'not-answered' }>): ProblemError {
  if (why === 'unknown') return notFound('review')
  const isForbidden: Record<Exclude<AnswerProblem, 'unknown'>, boolean> = {
    over: false,
    'answered-before': false,
    'own-request': true,
    'not-a-reviewer': true,
  }
  return new ProblemError(isForbidden[why] ? 'forbidden' : 'conflict', reason)
}

function reviewView(review: Review, stillNeeded: readonly ReviewNeed[], mayAnswer: boolean) {
  return {
    id: review.id,
    state: review.state,
    requester: person(review.requester),
    actor: actorView(review.actor),
    session: review.session,
    resource: review.resource,
    account: review.account,
    text: review.text,
    parameters: [...review.parameters],
    ...(review.blastRadius === null ? {} : { blastRadius: radiusView(review.blastRadius) }),
    ...(review.reason === null ? {} : { reason: review.reason }),
    policies: [...review.policies],
    reviewers: groupsIn(review.needs),
    approvalsNeeded: approvalsIn(review.needs),
    needs: needsView(review.needs),
    stillNeeded: needsView(stillNeeded),
    answers: review.answers.map(({ byId, byName, verdict, comment, at }) => ({
      by: principalView(byId, byName),
      verdict,
      ...(comment === null ? {} : { comment }),
      at: time(at),
    })),
    askedAt: time(review.askedAt),
    expiresAt: time(review.expiresAt),
    mayAnswer,
  }
}

function radiusView(radius: BlastRadius) {
  return radius.kind === 'rows' ? { rows: radius.rows } : { unknown: radius.why }
}

const maxLooked = 2000
