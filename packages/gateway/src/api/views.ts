import { actorsOf, type Actor, type Principal, type Restriction, type ReviewNeed } from '@sallyport/core'

/** Milliseconds since 1970 as the API writes them. */
export function time(ms: number): string {
  return new Date(ms).toISOString()
}

interface PersonView {
  kind: Actor['kind']
  id: string
  name: string
}

export function person({ kind, id, name }: Principal | Actor): PersonView {
  return { kind, id, name }
}

/** An actor, with those who acted before it, the latest first. */
export function actorView(actor: Actor): PersonView & { via?: PersonView[] } {
  const via = actorsOf(actor).slice(1).map(person)
  return via.length === 0 ? person(actor) : { ...person(actor), via }
}

/** A principal of whom the id and name were kept. */
export function principalView(
  id: string,
  name: string,
): { kind: 'user' | 'workload'; id: string; name: string } {
  return { kind: id.startsWith('workload:') ? 'workload' : 'user', id, name }
}

/** What a delegated token is narrowed to, where it is. */
export function scopeView(scope: readonly Restriction[] | null | undefined): { scope?: RestrictionView[] } {
  if (scope === null || scope === undefined) return {}
  return {
    scope: scope.map(({ resources, accounts, actions, asksNobody }) => ({
      ...(resources !== undefined && { resources: [...resources] }),
      ...(accounts !== undefined && { accounts: [...accounts] }),
      ...(actions !== undefined && { actions: [...actions] }),
      ...(asksNobody !== undefined && { asksNobody }),
    })),
  }
}

interface RestrictionView {
  resources?: string[]
  accounts?: string[]
  actions?: string[]
  asksNobody?: true
}

export function needsView(needs: readonly ReviewNeed[]): { groups: string[]; approvals: number }[] {
  return needs.map(({ groups, approvals }) => ({ groups: [...groups], approvals }))
}
