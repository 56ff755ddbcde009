import type { Actor, Principal, PrincipalId, SignedIn } from './identity.ts'
import type { GrantId, OperationId, ReviewId, SessionId } from './ids.ts'
import type { Facts } from './facts.ts'
import type { Outcome, Parameter } from './operation.ts'
import type { Passage } from './passage.ts'
import type { BlastRadius } from './review.ts'
import type { ReviewNeed } from './review-needs.ts'
import type { Restriction } from './restriction.ts'
import type { Watchers } from './watchers.ts'

/** Everything that a session's recording may say. It never holds an unmasked value that the client did not get, nor a credential. */
export type RecordingEvent =
  | {
      readonly kind: 'opened'
      readonly session: SessionId
      readonly principal: Principal
      readonly actor: Actor
      /** What was delegated to the actor, where less than all. */
      readonly scope?: readonly Restriction[]
      readonly resource: string
      readonly protocol: string
      readonly account: string
      readonly clientAddress: string
      readonly clientApplication?: string
      readonly policyVersion: string
      /** How the principal had signed in, where that is known. */
      readonly signedIn?: SignedIn
      /** The grant that the session stands on, where it stands on one. */
      readonly grant?: GrantId
    }
  | {
      /** It logs in to the target as a user of another name than its account's: one that was made for it. */
      readonly kind: 'target-user'
      readonly user: string
    }
  | {
      readonly kind: 'operation'
      readonly id: OperationId
      readonly text: string
      readonly parameters: readonly Parameter[]
      readonly facts: readonly Facts[]
      readonly effect: 'allow' | 'deny' | 'review'
      readonly policies: readonly string[]
      readonly reason?: string
      /** The review that let it pass, where one was asked. */
      readonly review?: ReviewId
    }
  | {
      readonly kind: 'result'
      readonly id: OperationId
      readonly outcome: Outcome
      readonly durationMs: number
    }
  | Passage
  | {
      /** It waits until these watch. */
      readonly kind: 'watch-asked'
      readonly watchers: Watchers
      readonly text: string
    }
  | {
      /** Somebody has begun to watch the session, or does not any more. */
      readonly kind: 'watcher'
      readonly by: PrincipalId
      readonly state: 'came' | 'left'
    }
  | {
      readonly kind: 'review-asked'
      readonly review: ReviewId
      readonly reviewers: readonly string[]
      readonly needs: readonly ReviewNeed[]
      readonly text: string
      readonly blastRadius?: BlastRadius
    }
  | {
      readonly kind: 'review-ended'
      readonly review: ReviewId
      readonly state: 'approved' | 'denied' | 'expired' | 'withdrawn' | 'used'
      readonly by: readonly string[]
      readonly comment?: string
    }
  | {
      readonly kind: 'closed'
      /** A refusal's or fault's code, or `client-left` or `target-left`. */
      readonly reason: string
      readonly operations: number
      readonly bytesUp: number
      readonly bytesDown: number
    }
