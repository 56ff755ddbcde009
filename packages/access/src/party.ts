import type { Actor, Principal, Subject } from '@sallyport/core'

/** Nobody reviews what they asked for or act in, whatever hat they wear. */
export function isParty(
  by: Subject,
  { requester, actor }: { readonly requester: Principal; readonly actor: Actor },
): boolean {
  const parties: readonly string[] = [requester.id, actor.id]
  return parties.includes(by.principal.id) || parties.includes(by.actor.id)
}

/** Theirs to take back: the requester, by their own hand or by the one that asked for them. */
export function isOwn(
  by: Subject,
  { requester, actor }: { readonly requester: Principal; readonly actor: Actor },
): boolean {
  return by.principal.id === requester.id && (by.actor.id === requester.id || by.actor.id === actor.id)
}
