import { z } from 'zod'

/**
 * Why the gateway did not do what was asked. A closed union; the numbers are the HTTP status of each.
 *
 * - `unauthenticated` no token, or one that is unknown, expired or revoked: never says which
 * - `forbidden` a living token whose subject may not do this
 * - `not-found` it does not exist, or may not be seen: never says which
 * - `conflict` somebody was faster, or the state has moved on
 * - `invalid-policy` the policies do not stand: `errors` has file, line and column
 * - `would-lock-out` after this change its author could administer no more
 */
export const problemStatus = {
  'invalid-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'invalid-policy': 422,
  'would-lock-out': 422,
  throttled: 429,
  internal: 500,
  unavailable: 503,
} as const

export type ProblemCode = keyof typeof problemStatus

const codes = Object.keys(problemStatus) as [ProblemCode, ...ProblemCode[]]

export const problemMediaType = 'application/problem+json'

/** Where in the request something is wrong. */
const ProblemPlace = z
  .object({
    /** A key path such as `documents.2.port`, or `file:line:column` in a policy. */
    path: z.string(),
    message: z.string(),
  })
  .meta({ id: 'ProblemPlace' })

/** @see RFC 9457 */
export const Problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(codes),
    /** What is wrong, in one line. */
    detail: z.string(),
    /** What to do next. */
    next: z.string().optional(),
    errors: z.array(ProblemPlace).optional(),
  })
  .meta({ id: 'Problem' })
export type Problem = z.infer<typeof Problem>
