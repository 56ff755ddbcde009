import { areAsked, type PrincipalId, type ReviewNeed, type Subject } from '@sallyport/core'
import { currentPrincipal } from '@sallyport/identity'
import type { Readers } from '@sallyport/store'

/** The groups of everybody who approved and is still there, as they stand now. */
export async function approversOf(
  read: Pick<Readers, 'users' | 'issuers'>,
  answers: readonly { readonly byId: string; readonly verdict: string }[],
): Promise<readonly (readonly string[])[]> {
  const approvers: (readonly string[])[] = []
  for (const { byId, verdict } of answers) {
    if (verdict !== 'approve') continue
    // It is the id of a principal, as it was when it answered.
    const approver = await currentPrincipal(read, byId as PrincipalId)
    if (approver !== undefined) approvers.push(approver.groups)
  }
  return approvers
}

/** Whether an answer of theirs would count in this very transaction: nobody is told that it does where it does not. */
export async function isReviewerNow(
  read: Pick<Readers, 'users' | 'issuers'>,
  { principal }: Subject,
  needs: readonly ReviewNeed[],
): Promise<boolean> {
  const now = await currentPrincipal(read, principal.id)
  return now !== undefined && areAsked(now.groups, needs)
}
