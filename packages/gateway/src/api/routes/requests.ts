import {
  isOwn,
  waitingStates,
  type AccessRequests,
  type Asked,
  type RequestAnswered,
} from '@sallyport/access'
import {
  approvalsIn,
  areAsked,
  groupsIn,
  type AccessRequestState,
  type Clock,
  type ReviewNeed,
  type Subject,
} from '@sallyport/core'
import type { AccessRequest, Grant, Readers } from '@sallyport/store'
import { notFound, ProblemError } from '../../front/problem.ts'
import type { Authorize } from '../authorize.ts'
import type { NounRoutes } from '../implementation.ts'
import { needsView, actorView, person, principalView, time } from '../views.ts'

export interface RequestRouteParts {
  readonly read: Pick<Readers, 'accessRequests' | 'grants'>
  readonly requests: AccessRequests
  readonly authorize: Pick<Authorize, 'mayAdminister' | 'tellStepUp'>
  readonly clock: Clock
}

export function requestRoutes(parts: RequestRouteParts): NounRoutes<'requests'> {
  const { read, requests, authorize, clock } = parts
  const view = async (subject: Subject, request: AccessRequest) => {
    const stillNeeded = await requests.stillNeeded(request)
    return requestView(request, stillNeeded, requests.mayAnswer(subject, request), clock.now())
  }
  const concerns = (subject: Subject, request: AccessRequest): boolean =>
    isOwn(subject, request) || requests.isReviewer(subject, request) || authorize.mayAdminister(subject)
  const mustConcern = async (subject: Subject, id: string): Promise<AccessRequest> => {
    const request = await read.accessRequests.get(id)
    if (request === undefined || !concerns(subject, request)) throw notFound('request')
    return request
  }
  const granted = (subject: Subject, grant: Grant | undefined) =>
    grant === undefined ? {} : { grant: grantView(grant, requests.mayRevoke(subject, grant), clock.now()) }
  return {
    create: async ({ durationSeconds, breakGlass, ...question }, { caller: { subject }, address }) => {
      const asked = await requests.ask(subject, {
        ...question,
        durationMs: durationSeconds === undefined ? undefined : durationSeconds * 1000,
        isBreakGlass: breakGlass,
        from: address,
      })
      if (asked.kind === 'not-asked') throw notAsked(asked)
      return { request: await view(subject, asked.request), ...granted(subject, asked.grant) }
    },
    list: async ({ state, limit }, { caller: { subject } }) => {
      // What is not the caller's to see must not count against the limit.
      const all = await read.accessRequests.list(statesOf(state), maxLooked)
      const seen = all.filter((request) => concerns(subject, request)).slice(0, limit)
      return { items: await Promise.all(seen.map((request) => view(subject, request))) }
    },
    get: async ({ id }, { caller: { subject } }) => view(subject, await mustConcern(subject, id)),
    approve: async ({ id, comment }, { caller, address }) => {
      const { subject } = caller
      const asked = await mustConcern(subject, id)
      if (areAsked(subject.principal.groups, asked.needs)) authorize.tellStepUp(caller, 'review')
      const { request, grant } = taken(
        await requests.answer(subject, 'approve', { id, comment, from: address }),
      )
      return { request: await view(subject, request), ...granted(subject, grant) }
    },
    deny: async ({ id, comment }, { caller, address }) => {
      const { subject } = caller
      const asked = await mustConcern(subject, id)
      if (areAsked(subject.principal.groups, asked.needs)) authorize.tellStepUp(caller, 'review')
      const { request } = taken(await requests.answer(subject, 'deny', { id, comment, from: address }))
      return view(subject, request)
    },
    close: async ({ id, comment }, { caller: { subject }, address }) => {
      await mustConcern(subject, id)
      return view(subject, taken(await requests.close(subject, { id, comment, from: address })).request)
    },
    withdraw: async ({ id }, { caller: { subject } }) => {
      await mustConcern(subject, id)
      return view(subject, taken(await requests.withdraw(subject, id)).request)
    },
  }
}

export function grantRoutes({ read, requests, clock }: RequestRouteParts): NounRoutes<'grants'> {
  return {
    list: async ({ ended, limit }, { caller: { subject } }) => {
      const now = clock.now()
      const all = await read.grants.list({ limit: maxLooked, ...(ended ? {} : { goodAtMs: now }) })
      const seen = all.filter((grant) => requests.mayRevoke(subject, grant)).slice(0, limit)
      return { items: seen.map((grant) => grantView(grant, true, now)) }
    },
    revoke: async ({ id, reason }, { caller: { subject } }) => {
      const revoked = await requests.revoke(subject, id, reason)
      if (revoked === undefined) throw notFound('grant')
      if (revoked === false) throw new ProblemError('conflict', 'the grant is over already')
      return grantView(revoked, false, clock.now())
    },
  }
}

function statesOf(asked: AccessRequestState | 'waiting' | 'any'): readonly AccessRequestState[] | 'any' {
  if (asked === 'waiting') return waitingStates
  return asked === 'any' ? 'any' : [asked]
}

function notAsked({ why, reason }: Extract<Asked, { kind: 'not-asked' }>): ProblemError {
  switch (why) {
    case 'unknown':
      return new ProblemError('not-found', reason, { next: 'see what you may ask for: sallyport ls' })
    case 'no-break-glass':
      return new ProblemError('forbidden', reason, { next: 'ask, and wait for an approval' })
    case 'too-long':
      return new ProblemError('invalid-request', reason)
    case 'permitted':
    case 'asked-before':
    case 'too-many':
      return new ProblemError('conflict', reason)
  }
}

function taken(answered: RequestAnswered): Extract<RequestAnswered, { kind: 'answered' }> {
  if (answered.kind === 'answered') return answered
  const { why, reason } = answered
  switch (why) {
    case 'unknown':
      throw notFound('request')
    case 'own-request':
    case 'not-a-reviewer':
      throw new ProblemError('forbidden', reason)
    case 'over':
    case 'answered-before':
    case 'stale':
      throw new ProblemError('conflict', reason)
  }
}

function requestView(
  request: AccessRequest,
  stillNeeded: readonly ReviewNeed[],
  mayAnswer: boolean,
  nowMs: number,
) {
  const isOverdue = request.state === 'open' && request.expiresAt <= nowMs
  return {
    id: request.id,
    state: isOverdue ? ('expired' as const) : request.state,
    requester: person(request.requester),
    actor: actorView(request.actor),
    resource: request.resource,
    account: request.account,
    durationSeconds: request.durationMs / 1000,
    reason: request.reason,
    ...(request.ticket === null ? {} : { ticket: request.ticket }),
    askedFrom: request.askedFrom,
    policies: [...request.policies],
    ...(request.policyReason === null ? {} : { policyReason: request.policyReason }),
    reviewers: groupsIn(request.needs),
    approvalsNeeded: approvalsIn(request.needs),
    needs: needsView(request.needs),
    stillNeeded: isOverdue ? [] : needsView(stillNeeded),
    answers: request.answers.map(({ byId, byName, verdict, comment, answeredFrom, at }) => ({
      by: principalView(byId, byName),
      verdict,
      ...(comment === null ? {} : { comment }),
      answeredFrom,
      at: time(at),
    })),
    askedAt: time(request.askedAt),
    expiresAt: time(request.expiresAt),
    mayAnswer,
  }
}

function grantView(grant: Grant, mayRevoke: boolean, nowMs: number) {
  const { revokedAt, revokedBy, revokedWhy } = grant
  const isLive = revokedAt === null && grant.endsAt > nowMs
  const state = revokedAt !== null ? ('revoked' as const) : isLive ? ('live' as const) : ('ended' as const)
  return {
    id: grant.id,
    request: grant.request,
    principal: person(grant.principal),
    actor: actorView(grant.actor),
    resource: grant.resource,
    account: grant.account,
    approvers: [...grant.approvers],
    startsAt: time(grant.startsAt),
    endsAt: time(grant.endsAt),
    state,
    ...(revokedAt === null ? {} : { revokedAt: time(revokedAt) }),
    ...(revokedBy === null ? {} : { revokedBy }),
    ...(revokedWhy === null ? {} : { revokedWhy }),
    mayRevoke: mayRevoke && isLive,
  }
}

const maxLooked = 2000
