import type { Authorization, Fault, Operation, Refusal } from '@sallyport/core'
import type { Outbox } from './outbox.ts'

/** Who speaks. */
export type Side = 'client' | 'server'

/**
 * What a client may ask ahead of the answers. More than any client that reads needs, and more than the answers that a
 * server keeps back to send them together: PostgreSQL does so with 8 KiB of them, the least of which has 5 bytes.
 */
export const mostOwedAnswers = 4_096
/** When so few are left, it goes on. */
export const fewOwedAnswers = mostOwedAnswers / 2

/** What becomes of a frame itself. Own bytes go into an outbox, before it. */
export type Verdict = 'pass' | 'drop'

export interface Outboxes {
  readonly client: Outbox
  readonly server: Outbox
}

/**
 * One session of a wire protocol as a pure state machine: frames in, verdicts out. It never sees a socket, a timer or
 * a promise; offsets, joins, writes and pauses are the relay's alone, so that it cannot pass a wrong range.
 *
 * A frame is judged on its first `needed` bytes; the rest follows that verdict without being buffered.
 */
export interface Conversation<Asked extends Operation = Operation> {
  /** How many bytes {@link length} needs. */
  readonly headBytes: number
  /** How many answers the server owes. Beyond {@link mostOwedAnswers} nothing more is fed until some have come. */
  readonly owedAnswers: number
  /** Makes the server send what it may be keeping back: called between frames, when nothing more will be fed for now. */
  flush(out: Outboxes): void
  /** Length of the frame at `at`, head included. @throws Fault for one that cannot be */
  length(side: Side, chunk: Buffer, at: number): number
  /** How much of the frame must be at hand to judge it; between `headBytes` and `length`. */
  needed(side: Side, chunk: Buffer, at: number, length: number): number
  /** Judges a client's frame. An Operation means: ask, then {@link settle}, and feed nothing more until then. */
  client(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | Asked
  settle(asked: Asked, authorization: Authorization, out: Outboxes): Verdict
  /** @param length of the whole frame; `to - from` may be less where the rest merely follows */
  server(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict
  /** What a notice to the waiting user becomes. Called between frames only. */
  notice(text: string): Buffer
  /** The last words to the client, and to the server. Called between frames only. */
  farewell(cause: Fault | Refusal): { readonly client: Buffer; readonly server: Buffer }
  /** The server ended its stream. @returns the fault to word, or nothing where its end was due. */
  serverEnded(): Fault | undefined
}

/** Decides on an operation. Synchronous where the answer is known, which is the hot path. */
export type Authorize<Asked extends Operation = Operation> = (
  asked: Asked,
  tell: (notice: string) => void,
) => Authorization | Promise<Authorization>
