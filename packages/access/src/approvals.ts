import type { PrincipalId } from '@sallyport/core'
import { currentPrincipal } from '@sallyport/identity'
import type { Readers } from '@sallyport/store'

/** The groups of everybody who approved and is still there, as they stand now. */
export async function approversOf(
  { users }: Pick<Readers, 'users'>,
  answers: readonly { readonly byId: string; readonly verdict: string }[],
): Promise<readonly (readonly string[])[]> {
  const approvers: (readonly string[])[] = []
  for (const { byId, verdict } of answers) {
    if (verdict !== 'approve') continue
    // It is the id of a principal, as it was when it answered.
    const approver = await currentPrincipal(users, byId as PrincipalId)
    if (approver !== undefined) approvers.push(approver.groups)
  }
  return approvers
}
