/** Where a review can stand. It starts `open`; every other state is final but `approved`, which is used once. */
export type ReviewState = 'open' | 'approved' | 'denied' | 'expired' | 'withdrawn' | 'used'

/** The allowed transitions: nothing else may happen to a review, whoever asks. */
export const reviewTransitions: Readonly<Record<ReviewState, readonly ReviewState[]>> = {
  open: ['approved', 'denied', 'expired', 'withdrawn'],
  approved: ['used', 'withdrawn', 'expired'],
  denied: [],
  expired: [],
  withdrawn: [],
  used: [],
}

/**
 * How many rows an operation would touch, as its target estimates before it runs. What cannot be estimated says why: it may be none,
 * and it may be all.
 */
export type BlastRadius =
  | { readonly kind: 'rows'; readonly rows: number }
  | { readonly kind: 'unknown'; readonly why: string }

export function mayBecome(from: ReviewState, to: ReviewState): boolean {
  return reviewTransitions[from].includes(to)
}
