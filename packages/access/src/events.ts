import type {
  AccessRequestId,
  AccessRequestState,
  FaultCode,
  GrantId,
  RefusalCode,
  ReviewId,
  ReviewState,
  SessionId,
  Subject,
} from '@sallyport/core'

/** What happens in here that logs and metrics want to know. Nothing in it is secret; names may be the client's words. */
export type AccessEvent =
  | {
      readonly kind: 'log-in-refused'
      readonly clientAddress: string
      /** As the client wrote it. */
      readonly resource: string
      readonly code: RefusalCode
    }
  | {
      readonly kind: 'session-opened'
      readonly session: SessionId
      readonly subject: Subject
      readonly resource: string
      readonly account: string
      readonly clientAddress: string
      readonly grant?: GrantId
    }
  | {
      readonly kind: 'session-ended'
      readonly session: SessionId
      readonly resource: string
      /** `client-left`, `target-left`, or a refusal's or fault's code. */
      readonly reason: string
      readonly operations: number
      readonly durationMs: number
      readonly bytesUp: number
      readonly bytesDown: number
    }
  | {
      readonly kind: 'operation-refused'
      readonly session: SessionId
      readonly resource: string
      readonly code: RefusalCode
    }
  | {
      readonly kind: 'review-asked'
      readonly review: ReviewId
      readonly session: SessionId
      readonly reviewers: readonly string[]
    }
  /** Something waits, or pauses, until somebody of these groups watches. */
  | {
      readonly kind: 'watch-asked'
      readonly session: SessionId
      readonly watchers: readonly string[]
    }
  | {
      readonly kind: 'review-ended'
      readonly review: ReviewId
      readonly session: SessionId
      readonly state: ReviewState
      readonly waitedMs: number
    }
  /** `state` is `unreviewed` where they were let in at once: reviewers want to know now. */
  | {
      readonly kind: 'access-asked'
      readonly request: AccessRequestId
      readonly subject: Subject
      readonly resource: string
      readonly account: string
      readonly reviewers: readonly string[]
      readonly state: AccessRequestState
    }
  | {
      readonly kind: 'access-answered'
      readonly request: AccessRequestId
      readonly state: AccessRequestState
    }
  | {
      readonly kind: 'grant-revoked'
      readonly grant: GrantId
      readonly by: Subject
      readonly resource: string
    }
  /** Something failed whose session goes on, or is over already. */
  | {
      readonly kind: 'trouble'
      readonly session: SessionId
      readonly doing: string
      readonly code: FaultCode
      readonly cause: unknown
    }

export type Notify = (event: AccessEvent) => void
