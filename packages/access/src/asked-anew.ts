import { isDeepStrictEqual } from 'node:util'
import type { ReviewNeed } from '@sallyport/core'
import type { AccessRequest, Readers, Store } from '@sallyport/store'
import type { CurrentPolicy } from './current-policy.ts'
import { termsNow } from './request-terms.ts'

/**
 * Policy may have come to ask others since a request was asked. Those are told of it, and may answer; where policy lets nobody ask
 * just now, it stays with whom it was put to: its hours may come again. @returns what others are asked by now
 */
export async function askAnew({ store, policy }: AskAnewParts): Promise<readonly AccessRequest[]> {
  const open = await store.read.accessRequests.list(['open'], maxAtOnce)
  const needs = await Promise.all(open.map((request) => otherNeeds(policy, store.read, request)))
  if (needs.every((needed) => needed === undefined)) return []
  return store.write('system', 'ask others for access', async (tx) => {
    const moved: AccessRequest[] = []
    for (const { id } of open) {
      const request = await tx.accessRequests.get(id)
      const now = request && (await otherNeeds(policy, tx, request))
      if (request === undefined || now === undefined) continue
      if (await tx.accessRequests.askOthers(id, now)) moved.push({ ...request, needs: now })
    }
    return moved
  })
}

async function otherNeeds(
  policy: CurrentPolicy,
  tx: Pick<Readers, 'users' | 'issuers' | 'resources'>,
  request: AccessRequest,
): Promise<readonly ReviewNeed[] | undefined> {
  const needs = (await termsNow(policy, tx, request))?.needs
  return needs === undefined || isDeepStrictEqual(needs, request.needs) ? undefined : needs
}

export interface AskAnewParts {
  readonly store: Store
  readonly policy: CurrentPolicy
}

const maxAtOnce = 1000
