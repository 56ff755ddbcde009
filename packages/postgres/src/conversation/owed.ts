import type { Refusal } from '@sallyport/core'
import type { RowMask } from '../masks.ts'
import type { BindOperation, BoundPortal, Opened, Prepared, Run } from '../operations.ts'
import type { PathSegment } from '../search-path.ts'

/** A portal that the client bound, with what its rows must go through. */
export interface Portal extends BoundPortal {
  run: Run | undefined
  /** Kept where its statement looks up names when it runs, to be judged by what they mean then. */
  readonly asked: BindOperation | undefined
  /** What its rows may carry, where that is less certain than its statement says. */
  readonly outputs: 'unknown' | undefined
  /** Undefined until its columns are known; `clear` where nothing is masked. */
  mask: RowMask | 'clear' | undefined
}

/** @param run undefined for a substitute that must fail */
export function boundPortal(run: Run | undefined, mask: Portal['mask'], asked?: BindOperation): Portal {
  return { kind: 'bound', era: 0, run, asked, outputs: undefined, mask }
}

export function isBound(opened: Opened): opened is Portal {
  return opened.kind === 'bound'
}

/** Queries and function calls run to their end before the ReadyForQuery of their own; all else runs in a portal, or not at all. */
export function endsAtReady<One extends { readonly kind: string }>(
  one: One,
): one is Extract<One, { readonly kind: 'query' | 'function' }> {
  return one.kind === 'query' || one.kind === 'function'
}

/**
 * An answer that the server owes. `refusal`: it was sent a substitute that must fail, and its error becomes ours.
 * `missing`: it was sent one since nobody made that name, and its error shall name it.
 */
export type Owed = {
  readonly refusal?: Refusal
  readonly missing?: string
  /** Set where something may change the search_path before the ReadyForQuery that this is answered by. */
  readonly pathSegment?: PathSegment | undefined
} & (
  | { readonly kind: 'parse'; readonly name: string; readonly prepared: Prepared }
  | { readonly kind: 'bind'; readonly name: string; readonly portal: Portal }
  | { readonly kind: 'describe-statement' }
  | { readonly kind: 'describe-portal'; readonly portal: Portal | undefined; readonly isOurs: boolean }
  | { readonly kind: 'execute'; readonly portal: Portal; readonly changesPath?: PathSegment | undefined }
  | {
      readonly kind: 'close'
      readonly of: 'statement' | 'portal'
      readonly name: string
      readonly isOurs: boolean
    }
  | { readonly kind: 'query'; readonly run: Run | undefined; mask: RowMask | 'clear' | undefined }
  | { readonly kind: 'function'; readonly run: Run | undefined; readonly mask: RowMask | 'clear' }
  | { readonly kind: 'sync' }
)
