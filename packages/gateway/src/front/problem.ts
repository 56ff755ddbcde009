import { problemStatus, type Problem, type ProblemCode } from '@sallyport/api'
import { Fault, type Refusal } from '@sallyport/core'
import type { PolicyProblem } from '@sallyport/policy'
import { z } from 'zod'

/** Thrown by routes: becomes the answer, so every word of it is safe to show. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly code: ProblemCode
  readonly next: string | undefined
  readonly errors: readonly { readonly path: string; readonly message: string }[] | undefined

  constructor(
    code: ProblemCode,
    detail: string,
    more: {
      next?: string | undefined
      errors?: readonly { path: string; message: string }[]
      cause?: unknown
    } = {},
  ) {
    super(detail, { cause: more.cause })
    this.code = code
    this.next = more.next
    this.errors = more.errors
  }
}

/** The same words for what does not exist and what may not be seen. */
export function notFound(what: string): ProblemError {
  return new ProblemError('not-found', `there is no such ${what}, or not for you`)
}

export function invalidPolicy(problems: readonly PolicyProblem[]): ProblemError {
  const errors = problems.map((it) => ({ path: `${it.file}:${it.line}:${it.column}`, message: it.message }))
  return new ProblemError('invalid-policy', errors.map((it) => `${it.path}: ${it.message}`).join('; '), {
    errors,
  })
}

/** A refusal of the control core, as an answer. */
export function refused(refusal: Refusal): ProblemError {
  const code = refusalProblems[refusal.code] ?? 'forbidden'
  return new ProblemError(code, refusal.reason, { next: refusal.next })
}

const refusalProblems: Partial<Record<Refusal['code'], ProblemCode>> = {
  'invalid-credential': 'unauthenticated',
  'no-such-access': 'not-found',
  throttled: 'throttled',
  'review-stale': 'conflict',
  'review-expired': 'conflict',
  'not-watched': 'conflict',
  'review-withdrawn': 'conflict',
  'review-denied': 'conflict',
}

/** Whatever was thrown, as an answer; undefined for a bug, whose words stay in the house. */
export function problemOf(thrown: unknown): Problem | undefined {
  if (thrown instanceof ProblemError) {
    return problem(thrown.code, thrown.message, thrown.next, thrown.errors)
  }
  if (thrown instanceof z.ZodError) {
    const errors = thrown.issues.map((issue) => ({
      path: issue.path.join('.'),
      message: issueInWords(issue),
    }))
    const first = errors[0]
    const words =
      first === undefined
        ? 'the request is not understood'
        : [first.path, first.message].filter(Boolean).join(': ')
    return problem('invalid-request', words, undefined, errors)
  }
  if (thrown instanceof Fault && thrown.code !== 'gateway/internal') {
    return problem('unavailable', thrown.shown)
  }
  return frameworkProblem(thrown)
}

function issueInWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown key ${issue.keys.join(', ')}`
  const isNumber = 'origin' in issue && (issue.origin === 'number' || issue.origin === 'int')
  if (issue.code === 'too_big' && isNumber && issue.inclusive === true) return `at most ${issue.maximum}`
  if (issue.code === 'too_small' && isNumber && issue.inclusive === true) return `at least ${issue.minimum}`
  return issue.message.split('\n', 1)[0] ?? ''
}

/** What Fastify says of a request before any route sees it. */
function frameworkProblem(thrown: unknown): Problem | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined
  switch (thrown.statusCode) {
    case 413:
      return problem('too-large', 'the request is larger than this route takes')
    case 415:
      return problem('invalid-request', 'send JSON: content-type application/json')
    case 429:
      return problem('throttled', 'too many requests from your address', 'wait a minute')
    case 400:
      return problem('invalid-request', 'the request is not JSON that can be read')
    default:
      return undefined
  }
}

export function problem(
  code: ProblemCode,
  detail: string,
  next?: string,
  errors?: readonly { readonly path: string; readonly message: string }[],
): Problem {
  return {
    type: 'about:blank',
    title: titles[code],
    status: problemStatus[code],
    code,
    detail,
    ...(next === undefined ? {} : { next }),
    ...(errors === undefined ? {} : { errors: [...errors] }),
  }
}

const titles: Readonly<Record<ProblemCode, string>> = {
  'invalid-request': 'The request is not understood',
  unauthenticated: 'Sign in first',
  forbidden: 'Not allowed',
  'not-found': 'Not found',
  conflict: 'Too late',
  'too-large': 'Too large',
  'invalid-policy': 'The policies do not stand',
  'would-lock-out': 'This would lock you out',
  throttled: 'Too many requests',
  internal: 'The gateway failed',
  unavailable: 'Not available just now',
}
