import {
  onOwnBehalf,
  sourceAddress,
  type Actor,
  type Principal,
  type RequestTerms,
  type Subject,
} from '@sallyport/core'
import { currentPrincipal } from '@sallyport/identity'
import type { AccessRequest, Readers } from '@sallyport/store'
import type { CurrentPolicy } from './current-policy.ts'

/** What policy asks now for what was asked then; undefined where it may not be asked for any more. */
export async function termsNow(
  policy: CurrentPolicy,
  tx: Pick<Readers, 'users' | 'issuers' | 'resources'>,
  { requester, actor, ...request }: AccessRequest,
): Promise<RequestTerms | undefined> {
  const principal = await currentPrincipal(tx, requester.id)
  const resource = await tx.resources.get(request.resource)
  if (principal === undefined || !resource?.accounts.some(({ name }) => name === request.account))
    return undefined
  const source = sourceAddress(request.askedFrom)
  const subject = { ...subjectOf(principal, actor), ...(source !== undefined && { source }) }
  // How people have signed in says who may connect, not who may ask.
  const decision = policy.point.signedInAsAsked().connect(subject, resource, request.account)
  return decision.effect === 'request' ? decision.terms : undefined
}

export function subjectOf(principal: Principal, actor: Actor): Subject {
  return actor.id === principal.id ? onOwnBehalf(principal) : { principal, actor }
}
