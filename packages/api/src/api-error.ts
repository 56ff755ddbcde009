import type { ProblemCode } from './problem.ts'

/** Codes of our own making, where no answer came or none that we understand. */
export type ClientCode = 'unreachable' | 'bad-certificate' | 'bad-answer' | 'cancelled'

/** A call that failed: the gateway's own words, or ours where it could not be asked. All safe to show. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** HTTP status; 0 where there was no answer. */
  readonly status: number
  readonly code: ProblemCode | ClientCode
  readonly detail: string
  readonly next: string | undefined
  readonly errors: readonly { readonly path: string; readonly message: string }[]

  constructor(
    problem: {
      status: number
      code: ProblemCode | ClientCode
      detail: string
      next?: string | undefined
      errors?: readonly { path: string; message: string }[] | undefined
    },
    options?: { cause?: unknown },
  ) {
    super(`${problem.code}: ${problem.detail}`, options)
    this.status = problem.status
    this.code = problem.code
    this.detail = problem.detail
    this.next = problem.next
    this.errors = problem.errors ?? []
  }
}
