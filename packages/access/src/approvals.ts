import type { PrincipalId } from '@sallyport/core'
import { currentPrincipal } from '@sallyport/identity'
import type { Writers } from '@sallyport/store'

/** How many of those who approved are still there, and in a group that may. */
export async function approvalsThatCount(
  { users }: Pick<Writers, 'users'>,
  answers: readonly { readonly byId: string; readonly verdict: string }[],
  reviewers: readonly string[],
): Promise<number> {
  let count = 0
  for (const { byId, verdict } of answers) {
    if (verdict !== 'approve') continue
    // It is the id of a principal, as it was when it answered.
    const approver = await currentPrincipal(users, byId as PrincipalId)
    if (approver?.groups.some((group) => reviewers.includes(group))) count++
  }
  return count
}
