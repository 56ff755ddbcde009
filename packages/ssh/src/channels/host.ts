import type {
  Authorization,
  Facts,
  Operation,
  Outcome,
  Passage,
  Permit,
  Refusal,
  Session,
  Tell,
} from '@sallyport/core'
import type { Target } from '../login/upstream.ts'
import type { SshOptions } from '../options.ts'
import type { OutputMask } from '../terminal/index.ts'

/** What a channel asks of the visit that it belongs to. */
export interface ChannelHost {
  readonly options: SshOptions
  /** Whose it is, and who watches. */
  readonly session: Pick<Session, 'id' | 'audience'>
  /** Rejects where it is not reached; the visit is over then, and says why. */
  readonly target: Promise<Target>
  authorize(
    operation: Operation,
    facts: readonly Facts[],
    tell: Tell,
    withdrawal: AbortSignal,
  ): Authorization | Promise<Authorization>
  refuse(operation: Operation, refused: Refusal): Refusal
  commit(): void
  /** Says something that holds until `over` falls to whoever is there, where a session of theirs can show it. */
  announce(notice: string, over: AbortSignal): void
  /** What cannot be recorded does not go on. @throws Fault gateway/cannot-record */
  readonly note: (passage: Passage) => void
  finish(permit: Permit, outcome: Outcome): void
  /** Whether what was permitted may go on. */
  stands(permit: Permit, facts: readonly Facts[]): boolean
  /** Falls when the visit is over. */
  readonly gone: AbortSignal
  /** A mask for one stream of output; undefined where the resource hides nothing in it. */
  mask(): OutputMask | undefined
  /** The target may open channels to what the client offers. */
  allow(what: 'forward-x11' | 'forward-agent'): void
  /** Something failed, and with it all of the visit. */
  broke(thrown: unknown): void
}
