import {
  approvalsIn,
  bothTerms,
  eitherTerms,
  signInInWords,
  type ConnectDecision,
  type Decision,
  type Obligations,
  type RequestTerms,
  type ReviewTerms,
  type SignInTerms,
  type Watchers,
} from '@sallyport/core'
import { gatewayVerdicts } from './annotations.ts'
import type { Answer } from './engine.ts'
import { allOf, anyOf, maxApprovals } from './needs.ts'
import type { Policy } from './policies.ts'

type WithoutObligations<D> = D extends ConnectDecision
  ? Omit<D, 'obligations'> & { readonly watchers?: Watchers }
  : never

/** A decision on one question, before what must be done with it is known. */
export type Judgement = WithoutObligations<Decision>
export type ConnectJudgement = WithoutObligations<ConnectDecision>

export function withObligations(judgement: Judgement, tags: Pick<Obligations, 'maskedTags'>): Decision
export function withObligations(
  judgement: ConnectJudgement,
  tags: Pick<Obligations, 'maskedTags'>,
): ConnectDecision
export function withObligations(
  { watchers, ...judgement }: ConnectJudgement,
  { maskedTags }: Pick<Obligations, 'maskedTags'>,
): ConnectDecision {
  return { ...judgement, obligations: watchers === undefined ? { maskedTags } : { maskedTags, watchers } }
}

/** Of what is no operation: nobody can watch it, and so what is permitted to who is watched is not permitted here. */
export function unwatched(judgement: Judgement): Judgement {
  if (judgement.watchers === undefined) return judgement
  const reason = 'it is permitted while somebody watches, and nobody can watch this'
  return denial(gatewayVerdicts.evaluationError, reason, judgement.policies)
}

/** Of anything but a connection: no grant permits it by itself. */
export function notByGrant(judgement: ConnectJudgement): Judgement {
  if (judgement.effect !== 'request') return judgement
  return denial(gatewayVerdicts.evaluationError, 'a grant lets connect, and nothing else', judgement.policies)
}

/** A denial by the gateway itself. */
export function denial(verdict: string, reason: string, policies: readonly string[] = []): Judgement {
  return { effect: 'deny', policies: [verdict, ...policies], reason }
}

/**
 * Policies of which some forbid for want of a sign-in: without those that ask for one that there is, with all of them, and without any.
 */
export type Forbidding = 'as signed in' | 'whatever the sign-in' | 'signed in as asked'

/** How a question is put, and who puts it. */
export interface Asked {
  readonly ask: (forbidding: Forbidding) => Answer
  readonly policies: ReadonlyMap<string, Policy>
  /** Ids of policies that ask for another sign-in than there is. */
  readonly lacking: ReadonlySet<string>
  /** What was asked, for where no policy permits it: `delete on shop.public.orders`. */
  readonly words: string
}

/** Where nothing is missing but a sign-in, one is asked for with which all would be there. */
export function judgeAsked(asked: Asked): ConnectJudgement {
  const { ask, policies, lacking, words } = asked
  const answer = ask('as signed in')
  if (answer.kind === 'failed') return judge(answer, policies, words)
  const determining = answer.policies.flatMap((id) => policies.get(id) ?? [])
  const isMissing =
    answer.kind === 'forbidden'
      ? determining.length > 0 && determining.every(({ id }) => lacking.has(id))
      : determining.some(({ isClosed }) => isClosed !== true) &&
        determining.every(({ id, isClosed }) => isClosed === true || lacking.has(id))
  if (isMissing) return stepUp(asked)
  if (answer.kind === 'forbidden') return judge(answer, policies, words)
  const used = determining.filter(({ id, isClosed }) => isClosed === true || !lacking.has(id))
  return judge({ ...answer, policies: used.map(({ id }) => id) }, policies, words)
}

/** What the sign-in must be, all told: what it is now may be what it is not then. */
function stepUp({ ask, policies, words }: Asked): ConnectJudgement {
  const then = ask('signed in as asked')
  const judgement = judge(then, policies, words)
  if (then.kind !== 'permitted' || judgement.effect === 'deny') return judgement
  const whole = ask('whatever the sign-in')
  if (whole.kind === 'failed') return judge(whole, policies, words)
  const forbids = whole.kind === 'forbidden' ? whole.policies.flatMap((id) => policies.get(id) ?? []) : []
  const permits = then.policies.flatMap((id) => policies.get(id) ?? []).filter(({ isClosed }) => !isClosed)
  const isPlain = permits.some((permit) => permit.stepUp === undefined)
  const asking = isPlain ? [] : permits
  const wanted = [
    ...forbids.flatMap(({ stepUp: terms }) => terms ?? []),
    ...(isPlain ? [] : [eitherTerms(permits.flatMap(({ stepUp: terms }) => terms ?? []))]),
  ]
  const { policies: ids, reason } = namesAndReason([...forbids, ...asking].sort(byId))
  return steppingUp(wanted, ids, reason)
}

/** All of these are asked for. */
function steppingUp(
  wanted: readonly SignInTerms[],
  policies: readonly string[],
  reason: string | undefined,
): Judgement {
  const signIn = wanted.reduce<SignInTerms | undefined>((all, one) => all && bothTerms(all, one), {})
  const named = policies.filter((id) => id !== gatewayVerdicts.stepUp)
  if (signIn === undefined) {
    const asked = unique(wanted.map(signInInWords)).join('; ')
    return denial(gatewayVerdicts.noSignInFits, `the policies ask for what no sign-in is: ${asked}`, named)
  }
  const why = reason === undefined || reason === '' ? {} : { reason }
  return { effect: 'step-up', policies: [gatewayVerdicts.stepUp, ...named], ...why, signIn }
}

/**
 * What an answer means. `asked` words the question where no policy permits it: `delete on shop.public.orders`.
 * A permit with a review or a request counts only where no plain permit does; for several such see {@link anyOf}.
 */
function judge(answer: Answer, policies: ReadonlyMap<string, Policy>, asked: string): ConnectJudgement {
  if (answer.kind === 'failed')
    return denial(
      gatewayVerdicts.evaluationError,
      'the policies could not be evaluated for this; the operators can find out why',
      answer.policies,
    )
  const determining = answer.policies.flatMap((id) => policies.get(id) ?? []).sort(byId)
  if (answer.kind === 'forbidden') {
    if (determining.length === 0)
      return { effect: 'deny', policies: [], reason: `no policy permits ${asked}` }
    return { effect: 'deny', ...namesAndReason(determining) }
  }
  const open = determining.filter(({ isClosed }) => isClosed !== true)
  if (open.length === 0 && determining.length > 0) return outsideHours(determining)
  const plain = open.filter(({ review, request }) => review === undefined && request === undefined)
  const free = plain.filter(({ watchers }) => watchers === undefined)
  if (free.length > 0) return { effect: 'allow', policies: free.map(({ id }) => id) }
  if (plain.length > 0) return { effect: 'allow', ...namesAndReason(plain), ...watchedBy(plain) }
  const requested = open.filter(({ request }) => request !== undefined)
  if (requested.length > 0) {
    const terms = requestTerms(requested.flatMap(({ request }) => request ?? []))
    return askable({ effect: 'request', ...namesAndReason(requested), terms })
  }
  const terms = open.flatMap(({ review }) => review ?? [])
  if (terms.length === 0) return denial(gatewayVerdicts.evaluationError, 'an unknown policy permitted this')
  const needs = anyOf(terms.map((each) => each.needs))
  return askable({
    effect: 'review',
    ...namesAndReason(open),
    terms: { needs, withinMs: shortestWait(terms) },
    ...watchedBy(open),
  })
}

/** Where several permit the same: somebody of any of their groups, or, where one asks for more than one, all that they ask for. */
function watchedBy(policies: readonly Policy[]): { watchers?: Watchers } {
  const asked = policies.flatMap(({ watchers }) => (watchers === undefined ? [] : [watchers]))
  if (asked.length === 0) return {}
  if (asked.every((watchers) => watchers.length === 1)) return { watchers: [unique(asked.flat(2))] }
  return { watchers: together(asked) }
}

/** Each once. */
function together(all: readonly Watchers[]): Watchers {
  const byName = new Map(all.flat().map((groups) => [groups.toSorted().join(), groups]))
  return [...byName.values()]
}

function outsideHours(closed: readonly Policy[]): Judgement {
  const hours = unique(closed.flatMap((policy) => policy.hours?.text ?? [])).join(', or ')
  return denial(
    gatewayVerdicts.outsideHours,
    `this is permitted at other hours: ${hours}`,
    closed.map(({ id }) => id),
  )
}

/** All of them together: one denial denies all, one sign-in that is missing is asked for, one review holds all, and then each must be approved as it asks: see {@link allOf}. */
export function strictest(judgements: readonly Judgement[]): Judgement {
  const denied = judgements.find(({ effect }) => effect === 'deny')
  if (denied) return denied
  const stepUps = judgements.filter((judgement) => judgement.effect === 'step-up')
  if (stepUps.length > 0) {
    const why = unique(stepUps.flatMap(({ reason }) => reason ?? [])).join('; ')
    const ids = unique(stepUps.flatMap(({ policies }) => policies))
    return steppingUp(
      stepUps.map(({ signIn }) => signIn),
      ids,
      why,
    )
  }
  const asked = judgements.flatMap(({ watchers }) => (watchers === undefined ? [] : [watchers]))
  const watchers = asked.length === 0 ? {} : { watchers: together(asked) }
  const reviews = judgements.filter((judgement) => judgement.effect === 'review')
  if (reviews.length === 0)
    return { effect: 'allow', policies: unique(judgements.flatMap(({ policies }) => policies)), ...watchers }
  const terms = reviews.map((review) => review.terms)
  const reason = unique(reviews.flatMap((review) => review.reason ?? [])).join('; ')
  return askable({
    effect: 'review',
    policies: unique(reviews.flatMap(({ policies }) => policies)),
    ...(reason === '' ? {} : { reason }),
    terms: { needs: allOf(terms.map((each) => each.needs)), withinMs: shortestWait(terms) },
    ...watchers,
  })
}

/** All of them together, of connections that take a grant: one that was approved as each of them asks. */
export function allRequests(
  judgements: readonly Extract<ConnectJudgement, { effect: 'request' }>[],
): ConnectJudgement {
  const terms = judgements.map((request) => request.terms)
  const reason = unique(judgements.flatMap((request) => request.reason ?? [])).join('; ')
  return askable({
    effect: 'request',
    policies: unique(judgements.flatMap(({ policies }) => policies)),
    ...(reason === '' ? {} : { reason }),
    terms: {
      needs: allOf(terms.map(({ needs }) => needs)),
      withinMs: shortestWait(terms),
      durationMs: Math.min(...terms.map(({ durationMs }) => durationMs)),
      // People let themselves in, and by their own hand.
      breakGlass: [],
    },
  })
}

/** Nobody is asked for more than can be counted on: it is denied. */
function askable<J extends Extract<ConnectJudgement, { terms: ReviewTerms }>>(judgement: J): J | Judgement {
  const approvals = approvalsIn(judgement.terms.needs)
  if (approvals <= maxApprovals) return judgement
  const reason = `the policies ask for ${approvals} approvals in all, and ${maxApprovals} can be asked for`
  return denial(gatewayVerdicts.tooManyApprovals, reason, judgement.policies)
}

function requestTerms(terms: readonly RequestTerms[]): RequestTerms {
  return {
    needs: anyOf(terms.map(({ needs }) => needs)),
    withinMs: shortestWait(terms),
    durationMs: Math.min(...terms.map(({ durationMs }) => durationMs)),
    breakGlass: unique(terms.flatMap((each) => each.breakGlass)),
  }
}

function shortestWait(terms: readonly ReviewTerms[]): number {
  return Math.min(...terms.map(({ withinMs }) => withinMs))
}

function namesAndReason(policies: readonly Policy[]): { policies: string[]; reason?: string } {
  const reason = unique(policies.flatMap((policy) => policy.reason ?? [])).join('; ')
  return { policies: policies.map(({ id }) => id), ...(reason === '' ? {} : { reason }) }
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)]
}

function byId(a: Policy, b: Policy): number {
  return a.id < b.id ? -1 : 1
}
