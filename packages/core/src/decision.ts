import type { Obligations } from './permit.ts'

/** What must happen before a `review` decision permits. */
export interface ReviewTerms {
  /** Any member of any of these groups may answer, the requester excepted. */
  readonly reviewers: readonly string[]
  /** How many of them must approve. */
  readonly approvals: number
  readonly withinMs: number
}

/** What policy says of an operation. `policies` are the ids of those that determined it. */
export type Decision = {
  readonly policies: readonly string[]
  /** The policy's own words, safe to show. */
  readonly reason?: string
  readonly obligations: Obligations
} & ({ readonly effect: 'allow' | 'deny' } | { readonly effect: 'review'; readonly terms: ReviewTerms })
