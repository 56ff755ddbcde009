/** What happens at the gateway's end of the tunnel, for its log and metrics. Nothing in it is secret. */
export type TunnelEvent =
  | {
      readonly kind: 'agent-enrolled'
      readonly agent: string
      readonly pool: string
      readonly name: string
      readonly address: string
    }
  | { readonly kind: 'enrolment-refused'; readonly why: EnrolmentRefusal; readonly address: string }
  | {
      readonly kind: 'certificate-renewed'
      readonly agent: string
      readonly pool: string
      readonly generation: number
    }
  /** An old key was used: it was copied, or a back-up was restored. The agent is revoked. Wake somebody. */
  | { readonly kind: 'key-cloned'; readonly agent: string; readonly pool: string; readonly address: string }
  | {
      readonly kind: 'agent-attached'
      readonly agent: string
      readonly pool: string
      readonly name: string
      readonly address: string
      readonly version: string
    }
  | {
      readonly kind: 'agent-refused'
      readonly agent: string
      readonly pool: string
      readonly why: AttachRefusal
      readonly address: string
    }
  | {
      readonly kind: 'agent-detached'
      readonly agent: string
      readonly pool: string
      readonly why: DetachReason
    }
  /** Revoked while it lived, or cut by hand: its connections were ended. */
  | { readonly kind: 'agent-cut'; readonly agent: string; readonly streams: number }
  | { readonly kind: 'agent-rtt'; readonly agent: string; readonly rttMs: number }
  /** A Carry call did not show a ticket that is its own to use. Never happens by itself. */
  | {
      readonly kind: 'ticket-misused'
      readonly agent: string
      readonly why: TicketMisuse
      readonly address: string
    }
  | {
      readonly kind: 'dial-failed'
      readonly agent: string
      readonly resource: string
      readonly session: string
      readonly code: string
      readonly attempt: number
    }
  | {
      readonly kind: 'stream-opened'
      readonly agent: string
      readonly resource: string
      readonly session: string
      readonly tookMs: number
    }
  | {
      readonly kind: 'stream-closed'
      readonly agent: string
      readonly resource: string
      readonly session: string
      readonly bytesUp: number
      readonly bytesDown: number
    }
  /** Our handling of an agent broke: a fault of ours. Its control stream was ended, or the one connection that it was about. */
  | { readonly kind: 'agent-failed'; readonly agent: string; readonly cause: unknown }
  /** The directory could not be asked. What depended on it was refused. */
  | { readonly kind: 'directory-failed'; readonly cause: unknown }

export type EnrolmentRefusal =
  | 'bad-token'
  | 'bad-request'
  | 'bad-name'
  | 'too-many'
  | 'unknown-agent'
  | 'revoked'
export type AttachRefusal =
  | 'no-certificate'
  | 'expired'
  | 'unknown-agent'
  | 'revoked'
  | 'duplicate'
  | 'no-hello'
  | 'draining'
  | 'no-such-process'
export type DetachReason =
  | 'left'
  | 'lost'
  | 'silent'
  | 'not-reading'
  | 'out-of-order'
  | 'failed'
  | 'replaced'
  | 'cut'
  | 'gateway-closing'
export type TicketMisuse = 'missing' | 'unknown' | 'foreign' | 'reused' | 'late'
