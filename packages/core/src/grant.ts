/**
 * Where a request for access can stand. One that waits for approval starts `open`; one by which somebody let themselves in at
 * once (break-glass) starts `unreviewed`. Every other state is final.
 */
export type AccessRequestState =
  | 'open'
  | 'approved'
  | 'denied'
  | 'expired'
  | 'withdrawn'
  | 'unreviewed'
  | 'reviewed'

/** The allowed transitions: nothing else may happen to a request, whoever asks. `approved` makes a grant, once. */
export const accessRequestTransitions: Readonly<Record<AccessRequestState, readonly AccessRequestState[]>> = {
  open: ['approved', 'denied', 'expired', 'withdrawn'],
  unreviewed: ['reviewed'],
  approved: [],
  denied: [],
  expired: [],
  withdrawn: [],
  reviewed: [],
}

export function requestMayBecome(from: AccessRequestState, to: AccessRequestState): boolean {
  return accessRequestTransitions[from].includes(to)
}
