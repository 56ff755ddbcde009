import { z } from 'zod'
import { Actor, Id, Limit, Person, ReviewNeed, Time } from './fields.ts'
import { json, route } from './route.ts'

const reviewStates = ['open', 'approved', 'denied', 'expired', 'withdrawn', 'used'] as const

export const Review = z
  .object({
    id: Id,
    state: z.enum(reviewStates),
    requester: Person,
    /** Differs from the requester where something acts for a person. */
    actor: Actor,
    session: Id,
    resource: z.string(),
    account: z.string(),
    /** The operation, exactly as it would run. */
    text: z.string(),
    /** Bound parameters: text, `base64:…` for binary ones, null for NULL. */
    parameters: z.array(z.string().nullable()),
    /** How many rows it would touch, as the target estimated before it was asked; or why that is not known. */
    blastRadius: z.union([z.object({ rows: z.number() }), z.object({ unknown: z.string() })]).optional(),
    /** The policy's own words. */
    reason: z.string().optional(),
    policies: z.array(z.string()),
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
        verdict: z.enum(['approve', 'deny']),
        comment: z.string().optional(),
        at: Time,
      }),
    ),
    askedAt: Time,
    expiresAt: Time,
    /** May the caller answer it? Not as its requester or actor, nor outside its reviewers' groups. */
    mayAnswer: z.boolean(),
  })
  .meta({ id: 'Review' })
export type Review = z.infer<typeof Review>

const person = { kind: 'user', id: 'user:alice', name: 'alice' } as const
const review: Review = {
  id: 'rev_1',
  state: 'open',
  requester: person,
  actor: person,
  session: 'ses_1',
  resource: 'orders-db',
  account: 'app',
  text: 'update orders set status = $1 where id = $2',
  parameters: ['shipped', '7'],
  blastRadius: { rows: 1 },
  reason: 'writes to production are reviewed',
  policies: ['production-writes'],
  reviewers: ['dba'],
  approvalsNeeded: 1,
  needs: [{ groups: ['dba'], approvals: 1 }],
  stillNeeded: [{ groups: ['dba'], approvals: 1 }],
  answers: [],
  askedAt: '2026-01-01T00:00:00Z',
  expiresAt: '2026-01-01T00:15:00Z',
  mayAnswer: true,
}

const params = z.strictObject({ id: Id })
const comment = z.strictObject({ comment: z.string().max(2000).optional() })

export const reviews = {
  list: route({
    method: 'GET',
    path: '/reviews',
    auth: 'token',
    forActors: true,
    summary: 'Reviews that I asked for or may answer (administrators: all), newest first',
    query: z.strictObject({ state: z.enum([...reviewStates, 'any']).default('open'), limit: Limit }),
    answer: json(z.object({ items: z.array(Review) })),
    example: { output: { items: [review] } },
  }),
  get: route({
    method: 'GET',
    path: '/reviews/{id}',
    auth: 'token',
    forActors: true,
    summary: 'One review that I asked for or may answer',
    params,
    answer: json(Review),
    example: { input: { id: 'rev_1' }, output: review },
  }),
  approve: route({
    method: 'POST',
    path: '/reviews/{id}/approve',
    auth: 'token',
    summary: 'Approve this very operation, once; reviewers only, never the requester',
    params,
    body: comment,
    answer: json(Review),
    example: {
      input: { id: 'rev_1', comment: 'checked the order' },
      output: { ...review, state: 'approved', mayAnswer: false },
    },
  }),
  deny: route({
    method: 'POST',
    path: '/reviews/{id}/deny',
    auth: 'token',
    summary: 'Deny it; the waiting client is told at once',
    params,
    body: comment,
    answer: json(Review),
    example: { input: { id: 'rev_1' }, output: { ...review, state: 'denied', mayAnswer: false } },
  }),
}
