import type { Outbox } from '@sallyport/wire'
import type { Field, ErrorFields } from './codec/backend.ts'
import type { CopyAnalysis } from './facts/analysis.ts'
import type { JudgedStatement } from './operations.ts'

/** Rewrites the rows of one result. */
export interface RowMask {
  /** Names of the output columns in which it has masked anything so far. */
  readonly columns: readonly string[]
  /** How many it has masked so far. */
  readonly maskedValues: number
  /**
   * @param chunk with a whole DataRow from `from` to `to`
   * @returns the size of the message that is in `out` instead of it, or `as-is` where it may pass
   */
  rewrite(chunk: Buffer, from: number, to: number, out: Outbox): number | 'as-is'
}

/** Rewrites one COPY's stream, however it is cut. */
export interface CopyMask {
  readonly columns: readonly string[]
  readonly maskedValues: number
  /**
   * @param chunk with a whole CopyData from `from` to `to`
   * @returns how many bytes of messages are in `out` instead of it, or `as-is` where the message itself may pass
   */
  push(chunk: Buffer, from: number, to: number, out: Outbox): number | 'as-is'
  /** The stream is over. @returns how many bytes of messages that brought */
  end(out: Outbox): number
}

/** Makes masks: what a subject may not see of a result, given its columns and where they come from. */
export interface Masks {
  /** Undefined where nothing of it needs masking. */
  rows(
    fields: readonly Field[],
    outputs: JudgedStatement['outputs'],
    masked: ReadonlySet<string>,
  ): RowMask | undefined
  copy(
    copy: CopyAnalysis | undefined,
    response: { readonly format: number; readonly columns: number },
    masked: ReadonlySet<string>,
  ): CopyMask | undefined
}

/** Error and notice texts may quote data: `clear` where the subject may see all of it, else what they become. */
export type Diagnostics = 'clear' | ((fields: ErrorFields) => ErrorFields)
