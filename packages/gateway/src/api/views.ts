import type { Actor, Principal, ReviewNeed } from '@sallyport/core'

/** Milliseconds since 1970 as the API writes them. */
export function time(ms: number): string {
  return new Date(ms).toISOString()
}

export function person({ kind, id, name }: Principal | Actor): {
  kind: Actor['kind']
  id: string
  name: string
} {
  return { kind, id, name }
}

/** A principal of whom the id and name were kept. */
export function principalView(
  id: string,
  name: string,
): { kind: 'user' | 'workload'; id: string; name: string } {
  return { kind: id.startsWith('workload:') ? 'workload' : 'user', id, name }
}

export function needsView(needs: readonly ReviewNeed[]): { groups: string[]; approvals: number }[] {
  return needs.map(({ groups, approvals }) => ({ groups: [...groups], approvals }))
}
