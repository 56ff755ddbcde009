import { principalId } from '@sallyport/core'
import type { User, Writers } from '@sallyport/store'

/** Members may administer the gateway, by the built-in policy. */
export const administrators = 'administrators'

/** 1 to 63: lower case, so that no two look alike, and safe in a path, a policy and a client's user name. */
export function isUserName(text: string): boolean {
  return /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/.test(text)
}

/** Shuts a user out: no log-in, no token, no key, no grant. Enabled again, they sign in and ask anew. @returns false where there is no such user */
export async function disableUser(
  tx: Writers,
  name: string,
  by: User['disabledBy'] = null,
): Promise<boolean> {
  if (!(await tx.users.disable(name, by))) return false
  const id = principalId('user', name)
  await tx.tokens.revoke({ principalId: id })
  await tx.sshKeys.remove({ principalId: id })
  await tx.grants.revoke({ principalId: id }, 'system', 'the user was disabled')
  return true
}

/** Sets a password that is already hashed, and ends what was open under the old one, keys that were added under it too. @returns false where there is no such user */
export async function setPasswordHash(tx: Writers, name: string, passwordHash: string): Promise<boolean> {
  if (!(await tx.users.setPasswordHash(name, passwordHash))) return false
  const id = principalId('user', name)
  await tx.tokens.revoke({ principalId: id })
  // Whoever had the old one may have left a key of theirs.
  await tx.sshKeys.remove({ principalId: id })
  return true
}
