import type { Obligations } from './permit.ts'
import type { ReviewNeed } from './review-needs.ts'
import type { SignInTerms } from './sign-in-terms.ts'

/** What must happen before a `review` decision permits. */
export interface ReviewTerms {
  /** All of them must be met; the requester is not asked. */
  readonly needs: readonly ReviewNeed[]
  readonly withinMs: number
}

/** What a request for access must go through before it is a grant, and how long that may last. */
export interface RequestTerms extends ReviewTerms {
  /** The longest that may be asked for. */
  readonly durationMs: number
  /** Members of these groups may let themselves in at once, to be reviewed afterwards. */
  readonly breakGlass: readonly string[]
}

/** What policy says of an operation. `policies` are the ids of those that determined it. `step-up`: nothing is missing but such a sign-in. */
export type Decision = {
  readonly policies: readonly string[]
  /** The policy's own words, safe to show. */
  readonly reason?: string
  readonly obligations: Obligations
} & (
  | { readonly effect: 'allow' | 'deny' }
  | { readonly effect: 'review'; readonly terms: ReviewTerms }
  | { readonly effect: 'step-up'; readonly signIn: SignInTerms }
)

/** What policy says of a connection: `request` where it is permitted while a grant lasts, and not otherwise. */
export type ConnectDecision =
  | Decision
  | {
      readonly effect: 'request'
      readonly policies: readonly string[]
      readonly reason?: string
      readonly obligations: Obligations
      readonly terms: RequestTerms
    }
