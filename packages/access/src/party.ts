import {
  actorKey,
  actorsOf,
  isDelegated,
  reaches,
  type Actor,
  type Principal,
  type Subject,
} from '@sallyport/core'

/** What was asked for, and by whom through what. */
interface Asked {
  readonly requester: Principal
  readonly actor: Actor
}

/** Nobody reviews what they asked for or act in, or had anything act in, whatever hat they wear. */
export function isParty(by: Subject, { requester, actor }: Asked): boolean {
  const parties: readonly string[] = [requester.id, ...actorsOf(actor).map(({ id }) => id)]
  return parties.includes(by.principal.id) || actorsOf(by.actor).some(({ id }) => parties.includes(id))
}

/**
 * Theirs to see and to take back: the requester, by their own hand or by the one that asked for them, as far as that is still for
 * such a place.
 */
export function isOwn(
  by: Subject,
  { requester, actor, resource, account }: Asked & { readonly resource: string; readonly account: string },
): boolean {
  const isTheirs = by.principal.id === requester.id
  if (isTheirs && !isDelegated(by)) return true
  return isTheirs && actorKey(by.actor) === actorKey(actor) && reaches(by.scope, resource, account)
}
