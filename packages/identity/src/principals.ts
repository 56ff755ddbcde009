import { principalId, type Principal, type PrincipalId } from '@sallyport/core'
import type { DeclaredWorkload, Readers, User } from '@sallyport/store'

/** A user as a principal. */
export function principalOf(user: User): Principal {
  return {
    kind: 'user',
    id: principalId('user', user.name),
    name: shownName(user),
    groups: user.groups,
  }
}

/** What their provider calls them may be another's name: it stands behind the one that is theirs alone. */
function shownName({ name, displayName }: User): string {
  return displayName === '' || displayName.toLowerCase() === name ? name : `${name} (${displayName})`
}

/** A workload as its issuer's rule declares it. */
function workloadPrincipal({ name, groups }: DeclaredWorkload): Principal {
  return { kind: 'workload', id: principalId('workload', name), name, groups }
}

/** The log-in name in a user's id. */
export function userNameOf(id: PrincipalId): string | undefined {
  return id.startsWith(userPrefix) ? id.slice(userPrefix.length) : undefined
}

/**
 * A principal as it stands now, in the transaction of whoever acts by it; undefined where nobody vouches for it, or not any more. The one
 * place that says so: of tokens, sessions, requests and approvals. Users stand until they are disabled; workloads as long as an issuer is
 * declared with a rule that says who they are.
 */
export async function currentPrincipal(
  { users, issuers }: Pick<Readers, 'users' | 'issuers'>,
  id: PrincipalId,
): Promise<Principal | undefined> {
  if (id.startsWith(workloadPrefix)) {
    const workload = await issuers.workload(id.slice(workloadPrefix.length))
    return workload && workloadPrincipal(workload)
  }
  const name = userNameOf(id)
  const user = name === undefined ? undefined : await users.get(name)
  return user === undefined || user.disabledAt !== null ? undefined : principalOf(user)
}

const userPrefix = 'user:'
const workloadPrefix = 'workload:'
