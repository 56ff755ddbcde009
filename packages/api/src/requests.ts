import { z } from 'zod'
import { Actor, Flag, Id, Limit, Name, Person, ReviewNeed, Time } from './fields.ts'
import { created, json, route } from './route.ts'

const requestStates = [
  'open',
  'approved',
  'denied',
  'expired',
  'withdrawn',
  'unreviewed',
  'reviewed',
] as const

export const AccessRequest = z
  .object({
    id: Id,
    /** `unreviewed` and `reviewed` are those of a break-glass. */
    state: z.enum(requestStates),
    requester: Person,
    /** Differs from the requester where something acts for a person: the grant is for both together. */
    actor: Actor,
    resource: z.string(),
    account: z.string(),
    durationSeconds: z.number().int(),
    /** The requester's words. */
    reason: z.string(),
    ticket: z.string().optional(),
    /** The network address that asked. */
    askedFrom: z.string(),
    policies: z.array(z.string()),
    /** The policy's own words. */
    policyReason: z.string().optional(),
    /** Of all that is needed together: the groups, and how many different people. */
    reviewers: z.array(z.string()),
    approvalsNeeded: z.number().int(),
    /** What is needed, all of it; of each person one approval counts, for one of these. */
    needs: z.array(ReviewNeed),
    /** What is missing still, as groups stand now, and out of which groups one more would help. Empty unless it is open. */
    stillNeeded: z.array(ReviewNeed),
    answers: z.array(
      z.object({
        by: Person,
        verdict: z.enum(['approve', 'deny', 'close']),
        comment: z.string().optional(),
        answeredFrom: z.string(),
        at: Time,
      }),
    ),
    askedAt: Time,
    /** Until when it may be approved. */
    expiresAt: Time,
    /** May the caller approve or deny it, or close it after a break-glass? */
    mayAnswer: z.boolean(),
  })
  .meta({ id: 'AccessRequest' })
export type AccessRequest = z.infer<typeof AccessRequest>

export const Grant = z
  .object({
    id: Id,
    request: Id,
    principal: Person,
    actor: Actor,
    resource: z.string(),
    account: z.string(),
    /** Principal ids; empty after a break-glass. */
    approvers: z.array(z.string()),
    startsAt: Time,
    endsAt: Time,
    state: z.enum(['live', 'ended', 'revoked']),
    revokedAt: Time.optional(),
    /** Principal id, or `system`. */
    revokedBy: z.string().optional(),
    revokedWhy: z.string().optional(),
    /** May the caller end it now? */
    mayRevoke: z.boolean(),
  })
  .meta({ id: 'Grant' })
export type Grant = z.infer<typeof Grant>

const person = { kind: 'user', id: 'user:alice', name: 'alice' } as const
const reviewer = { kind: 'user', id: 'user:bob', name: 'bob' } as const
const request: AccessRequest = {
  id: 'req_1',
  state: 'open',
  requester: person,
  actor: person,
  resource: 'orders-db',
  account: 'app_rw',
  durationSeconds: 7200,
  reason: 'a broken import',
  ticket: 'OPS-7',
  askedFrom: '10.0.0.9',
  policies: ['admin-on-request'],
  policyReason: 'changes by hand are agreed on first',
  reviewers: ['dba'],
  approvalsNeeded: 1,
  needs: [{ groups: ['dba'], approvals: 1 }],
  stillNeeded: [{ groups: ['dba'], approvals: 1 }],
  answers: [],
  askedAt: '2026-01-01T00:00:00Z',
  expiresAt: '2026-01-02T00:00:00Z',
  mayAnswer: true,
}
const answered = (verdict: 'approve' | 'deny' | 'close', state: AccessRequest['state']): AccessRequest => ({
  ...request,
  state,
  answers: [
    { by: reviewer, verdict, comment: 'agreed', answeredFrom: '10.0.0.2', at: '2026-01-01T00:05:00Z' },
  ],
  mayAnswer: false,
})
const grant: Grant = {
  id: 'grt_1',
  request: 'req_1',
  principal: person,
  actor: person,
  resource: 'orders-db',
  account: 'app_rw',
  approvers: ['user:bob'],
  startsAt: '2026-01-01T00:05:00Z',
  endsAt: '2026-01-01T02:05:00Z',
  state: 'live',
  mayRevoke: true,
}

const params = z.strictObject({ id: Id })
/** Others read it at their terminals: nothing that could break a line there, colour it, or turn it round. */
const plain = z
  .string()
  .trim()
  .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'write one line, without control characters')
const words = plain.min(1, 'say it in a few words').max(2000)
const comment = z.strictObject({ comment: words.optional() })

export const requests = {
  create: route({
    method: 'POST',
    path: '/requests',
    auth: 'token',
    forActors: true,
    summary: 'Ask for access to one account of one resource, for a time; with breakGlass, take it at once',
    body: z.strictObject({
      resource: Name,
      /** The resource's first where left out. */
      account: z.string().min(1).max(128).optional(),
      /** An hour where left out, or what policy allows where that is less. */
      durationSeconds: z
        .number()
        .int()
        .min(60)
        .max(168 * 3600)
        .optional(),
      reason: words,
      ticket: plain.min(1).max(200).optional(),
      breakGlass: z.boolean().default(false),
    }),
    answer: created(z.object({ request: AccessRequest, grant: Grant.optional() })),
    example: {
      input: {
        resource: 'orders-db',
        account: 'app_rw',
        durationSeconds: 7200,
        reason: 'a broken import',
        ticket: 'OPS-7',
      },
      output: { request: { ...request, mayAnswer: false } },
    },
  }),
  list: route({
    method: 'GET',
    path: '/requests',
    auth: 'token',
    forActors: true,
    summary: 'Requests for access of mine, or that my groups review (administrators: all), newest first',
    query: z.strictObject({
      /** `waiting`: somebody has something to do. */
      state: z.enum(['waiting', ...requestStates, 'any']).default('waiting'),
      limit: Limit,
    }),
    answer: json(z.object({ items: z.array(AccessRequest) })),
    example: { output: { items: [request] } },
  }),
  get: route({
    method: 'GET',
    path: '/requests/{id}',
    auth: 'token',
    forActors: true,
    summary: 'One of them',
    params,
    answer: json(AccessRequest),
    example: { input: { id: 'req_1' }, output: request },
  }),
  approve: route({
    method: 'POST',
    path: '/requests/{id}/approve',
    auth: 'token',
    summary:
      'Approve it; the last approval that is needed makes the grant. Reviewers only, never the requester',
    params,
    body: comment,
    answer: json(z.object({ request: AccessRequest, grant: Grant.optional() })),
    example: {
      input: { id: 'req_1', comment: 'agreed' },
      output: { request: answered('approve', 'approved'), grant },
    },
  }),
  deny: route({
    method: 'POST',
    path: '/requests/{id}/deny',
    auth: 'token',
    summary: 'Deny it: one denial is enough',
    params,
    body: comment,
    answer: json(AccessRequest),
    example: { input: { id: 'req_1', comment: 'agreed' }, output: answered('deny', 'denied') },
  }),
  close: route({
    method: 'POST',
    path: '/requests/{id}/close',
    auth: 'token',
    summary: 'Close the review after a break-glass; reviewers only, never who broke it',
    params,
    body: z.strictObject({ comment: words }),
    answer: json(AccessRequest),
    example: { input: { id: 'req_1', comment: 'agreed' }, output: answered('close', 'reviewed') },
  }),
  withdraw: route({
    method: 'POST',
    path: '/requests/{id}/withdraw',
    auth: 'token',
    forActors: true,
    summary: 'Take back an own request that waits',
    params,
    answer: json(AccessRequest),
    example: { input: { id: 'req_1' }, output: { ...request, state: 'withdrawn', mayAnswer: false } },
  }),
}

export const grants = {
  list: route({
    method: 'GET',
    path: '/grants',
    auth: 'token',
    forActors: true,
    summary: 'Grants of mine, or that I may revoke, newest first',
    query: z.strictObject({
      /** Those that are over, too. */
      ended: Flag,
      limit: Limit,
    }),
    answer: json(z.object({ items: z.array(Grant) })),
    example: { output: { items: [grant] } },
  }),
  revoke: route({
    method: 'POST',
    path: '/grants/{id}/revoke',
    auth: 'token',
    forActors: true,
    summary:
      'End a grant now: its holder, its reviewers, administrators. Sessions that stand on it have ended then',
    params,
    body: z.strictObject({ reason: words.optional() }),
    answer: json(Grant),
    example: {
      input: { id: 'grt_1', reason: 'done early' },
      output: {
        ...grant,
        state: 'revoked',
        revokedAt: '2026-01-01T01:00:00Z',
        revokedBy: 'user:alice',
        revokedWhy: 'done early',
        mayRevoke: false,
      },
    },
  }),
}
