import type { Field, ErrorFields } from './codec/backend.ts'
import type { CopyAnalysis } from './facts/analysis.ts'
import type { JudgedStatement } from './operations.ts'

/** Rewrites the rows of one result. */
export interface RowMask {
  /** Names of the output columns in which it has masked anything so far. */
  readonly columns: readonly string[]
  /** @param body of a DataRow, after its length word */
  apply(body: Buffer): { readonly bytes: Buffer; readonly values: number }
}

/** Rewrites one COPY's stream, however it is cut. */
export interface CopyMask {
  readonly columns: readonly string[]
  readonly maskedValues: number
  push(bytes: Buffer): Buffer
  end(): Buffer
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
