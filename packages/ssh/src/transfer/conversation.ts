import type { Authorization, Outcome, Passage, Permit, Refusal } from '@sallyport/core'
import type { Outboxes } from '@sallyport/wire'
import type { FileOperation } from './operation.ts'

/**
 * One channel on which files pass, as a pure machine: bytes of both sides in, bytes for both sides into the outboxes, and questions.
 * It never sees a stream, a timer or a promise.
 */
export interface FileConversation {
  /** What each side hears next. */
  readonly out: Outboxes
  /** Bytes that came of the client. @throws Fault client/… */
  client(chunk: Buffer): void
  /** Bytes that came of the target. @throws Fault target/… */
  server(chunk: Buffer): void
  /** What must be asked about before anything further of the client is judged; then {@link settle}. */
  readonly asked: FileOperation | undefined
  settle(authorization: Authorization): void
  /** False: so much waits that no more should be read of that side for now. What comes all the same is kept. */
  readonly takesClient: boolean
  readonly takesServer: boolean
  /** Something of the client is kept back: its end waits as well. */
  readonly isWaiting: boolean
  /** The channel is over: what still went on is lost, and is noted as far as it came. */
  end(): void
}

/** Whom a conversation tells what. */
export interface FileParts {
  /** Records a transfer. @throws Fault gateway/cannot-record */
  note(passage: Passage): void
  finish(permit: Permit, outcome: Outcome): void
  /** Records what is refused before policy is asked. @throws Fault gateway/cannot-record */
  refuse(operation: FileOperation, refused: Refusal): Refusal
  /** Whether what was permitted may go on. hot path: asked for each piece of a file */
  stands(permit: Permit, operation: FileOperation): boolean
  /** Tells the user why, beside the protocol: its clients show few of its own words. */
  say(line: string): void
}

/** What may wait of one side behind something that is held, before no more of it is read. */
export const mostWaitingBytes = 256 * 1024
