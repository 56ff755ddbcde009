import { principalId, type Principal, type PrincipalId } from '@sallyport/core'
import type { User, UserReader } from '@sallyport/store'

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

/** A principal as it stands now; undefined where it is unknown or disabled. */
export async function currentPrincipal(
  users: Pick<UserReader, 'get'>,
  id: PrincipalId,
): Promise<Principal | undefined> {
  const name = userNameOf(id)
  const user = name === undefined ? undefined : await users.get(name)
  return user === undefined || user.disabledAt !== null ? undefined : principalOf(user)
}

const userPrefix = 'user:'
