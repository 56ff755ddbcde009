import type { Facts } from './facts.ts'
import type { BlastRadius } from './review.ts'

/** A bound parameter as the client sent it: text, raw bytes of a binary form, or NULL. */
export type Parameter = string | Uint8Array | null

/** The smallest thing that its protocol lets us refuse by itself: a Query message, an Execute, an exec request, a tool call. */
export interface Operation {
  /** What it asks for, exactly as sent: what reviewers see and recordings keep. */
  readonly text: string
  readonly parameters: readonly Parameter[]
  /**
   * Whatever else decides what `text` does: parameter types, row limit, database, search path. A verdict binds to these as to
   * the text. A function, since only a review needs them.
   */
  binding(): readonly string[]
  /** How many rows it would touch, asked of the target without running it, and only where a review needs it. */
  blastRadius?(signal: AbortSignal): Promise<BlastRadius>
  /** Where what it does depends on what is at the target. Absent: on its own words alone. */
  readonly ground?: Ground | undefined
  /** While it goes on, it cannot be made to pause: where policy asks that it is watched, it is refused. */
  readonly cannotPause?: boolean
}

/** What operations mean depends on what they name: on the body of a function, on which table has a name. */
export interface Ground {
  /** Looks at it anew. @throws Fault */
  renew(): Promise<void>
  /** What `facts` name, as it was looked at last: other words where any of it is another than before. */
  versions(facts: readonly Facts[]): readonly string[]
}

/** How an operation ended. */
export interface Outcome {
  readonly status: 'done' | 'failed' | 'cancelled' | 'lost'
  /** Rows returned or changed, as the target counted them. */
  readonly rows: number
  /** Bytes sent towards the client for it, after masking. */
  readonly sizeBytes: number
  /** How many values were masked. */
  readonly maskedValues: number
  /** Names of the output columns that were masked. */
  readonly maskedColumns: readonly string[]
  /** The target's error code, such as a SQLSTATE; never its text, which may quote data. */
  readonly errorCode?: string
}
