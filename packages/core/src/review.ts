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

export function mayBecome(from: ReviewState, to: ReviewState): boolean {
  return reviewTransitions[from].includes(to)
}
