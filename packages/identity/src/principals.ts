import { principalId, type Principal, type PrincipalId } from '@sallyport/core'
import type { Readers, User } from '@sallyport/store'

/** A local user as a principal. */
export function principalOf(user: User): Principal {
  return {
    kind: 'user',
    id: principalId('user', user.name),
    name: user.displayName || user.name,
    groups: user.groups,
  }
}

/** The log-in name in a local user's id. */
export function userNameOf(id: PrincipalId): string | undefined {
  return id.startsWith(userPrefix) ? id.slice(userPrefix.length) : undefined
}

/**
 * A principal as it stands now, in the transaction of whoever acts by it; undefined where nobody vouches for it, or not any more. The one
 * place that says so: of tokens, sessions, requests and approvals. Local users are the first kind; who is known from a provider's or a
 * workload's token alone has no standing here, and is let in nowhere, until it is read here too.
 */
export async function currentPrincipal(
  { users }: Pick<Readers, 'users'>,
  id: PrincipalId,
): Promise<Principal | undefined> {
  const name = userNameOf(id)
  const user = name === undefined ? undefined : await users.get(name)
  return user === undefined || user.disabledAt !== null ? undefined : principalOf(user)
}

const userPrefix = 'user:'
