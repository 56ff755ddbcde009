import type { BlastRadius, ReviewState } from './review.ts'
import type { AccessRequestState } from './grant.ts'
import type { ReviewNeed } from './review-needs.ts'
import type { CredentialSourceFrom } from './credential-source.ts'

/** What a webhook may be told of. docs/webhooks.md says of each when it comes. */
export type WebhookEvent =
  | 'review-asked'
  | 'review-answered'
  | 'review-ended'
  | 'access-requested'
  | 'access-answered'
  | 'access-granted'
  | 'access-denied'
  | 'access-request-ended'
  | 'grant-ended'
  | 'break-glass'
  | 'break-glass-reviewed'
  | 'session-refused'

/** Where a webhook's secrets come from: as credentials do, but for those that agents hold and those that are made. */
export type WebhookSecretSource = CredentialSourceFrom<'sealed' | 'environment' | 'file'>

/** An address that is told of what happens, as declared. */
export interface Webhook {
  readonly name: string
  /** Where it is itself a secret, as those of chat services are, it comes from where secrets do. */
  readonly url: string | WebhookSecretSource
  readonly events: readonly WebhookEvent[]
  readonly form: 'json' | 'slack' | 'teams'
  /** What its messages are signed with; chat services look at no signature. */
  readonly secret?: WebhookSecretSource | undefined
  /** `shortened`: the first characters of statements that wait for a review. Parameters are never told. */
  readonly statements: 'shortened' | 'none'
  /** What is refused unless said so: plain HTTP, and addresses of loopback and of private networks. */
  readonly allow: { readonly http: boolean; readonly private: boolean }
}

/** Whoever is told of, by id and name. */
export interface Told {
  readonly id: string
  readonly name: string
}

interface ToldAnswer {
  readonly by: Told
  readonly verdict: 'approve' | 'deny' | 'close'
  readonly comment: string | null
}

interface Place {
  readonly requester: Told
  /** Differs from the requester where something acts for a person. */
  readonly actor: Told
  readonly resource: string
  readonly account: string
}

interface Asking extends Place {
  readonly id: string
  readonly reviewers: readonly string[]
  readonly approvalsNeeded: number
  /** What must be approved, and what of that is missing still. Absent of what an older gateway has written. */
  readonly needs?: readonly ReviewNeed[]
  readonly stillNeeded?: readonly ReviewNeed[]
  readonly expiresAt: number
}

/** What happened, as it stood then. Texts are shortened, times are milliseconds since 1970. */
export type WebhookNews =
  | {
      readonly about: 'review'
      readonly review: Asking & {
        /** Null where nobody estimated. */
        readonly blastRadius: BlastRadius | null
        readonly state: ReviewState
        readonly session: string
        readonly text: string
        readonly reason: string | null
      }
      readonly answer: ToldAnswer | null
    }
  | {
      readonly about: 'request'
      readonly request: Asking & {
        readonly state: AccessRequestState
        readonly durationMs: number
        readonly reason: string
        readonly ticket: string | null
      }
      readonly answer: ToldAnswer | null
    }
  | {
      readonly about: 'grant'
      readonly grant: Place & {
        readonly id: string
        readonly request: string
        readonly endsAt: number
        /** Null where it ended by itself. */
        readonly revokedBy: string | null
        readonly revokedWhy: string | null
      }
    }
  /** Log-ins of clients, those of one code within a minute together. */
  | {
      readonly about: 'refused'
      readonly refused: {
        readonly code: string
        readonly count: number
        /** Of the last one; the resource is the client's word. */
        readonly clientAddress: string
        readonly resource: string
      }
    }
  | { readonly about: 'test' }
