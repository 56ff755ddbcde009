import { principalId, type Principal, type PrincipalId, type Secret, type Subject } from '@sallyport/core'
import type { Store, User, Writers } from '@sallyport/store'
import { Passwords } from './passwords.ts'
import { currentPrincipal, principalOf } from './principals.ts'

/** Members may administer the gateway, by the built-in policy. */
export const administrators = 'administrators'

/** Local users: who they are, and whether a password is theirs. What ends anybody's access ends it with the write. */
export class Users {
  readonly #store: Store
  readonly #passwords: Passwords

  constructor(store: Store, passwords: Passwords = new Passwords()) {
    this.#store = store
    this.#passwords = passwords
  }

  list(): Promise<readonly User[]> {
    return this.#store.read.users.list()
  }

  get(name: string): Promise<User | undefined> {
    return this.#store.read.users.get(name)
  }

  /** A principal as it stands now; undefined where it is unknown or disabled. */
  principal(id: PrincipalId): Promise<Principal | undefined> {
    return currentPrincipal(this.#store.read.users, id)
  }

  /**
   * Without a password: that takes a set-up link.
   * @returns false where the name is taken
   * @throws TypeError where it is no user name
   */
  create(
    by: Subject | 'system',
    user: { readonly name: string; readonly displayName: string; readonly groups: readonly string[] },
  ): Promise<boolean> {
    if (!isUserName(user.name)) throw new TypeError('that is no user name')
    return this.#store.write(by, 'create a user', (tx) => tx.users.create(user))
  }

  /** Live sessions are told. @returns false where there is no such user */
  setGroups(by: Subject | 'system', name: string, groups: readonly string[]): Promise<boolean> {
    return this.#store.write(by, 'set groups', (tx) => tx.users.setGroups(name, groups))
  }

  /** @returns false where there is no such user */
  disable(by: Subject | 'system', name: string): Promise<boolean> {
    return this.#store.write(by, 'disable a user', (tx) => disableUser(tx, name))
  }

  /** @returns false where there is no such user */
  enable(by: Subject | 'system', name: string): Promise<boolean> {
    return this.#store.write(by, 'enable a user', (tx) => tx.users.enable(name))
  }

  /** Ends what was open under the old one. @returns false where there is no such user */
  async setPassword(by: Subject | 'system', name: string, password: Secret): Promise<boolean> {
    const passwordHash = await this.#passwords.hash(password)
    return this.#store.write(by, 'set a password', (tx) => setPasswordHash(tx, name, passwordHash))
  }

  /**
   * An unknown name, a disabled user, one without a password and a wrong password are one answer, which takes the same time.
   * @throws Fault gateway/overloaded where too many sign in at once
   */
  async verify(name: string, password: Secret): Promise<Principal | undefined> {
    const user = await this.get(name)
    const verdict = await this.#passwords.verify(password, user?.passwordHash ?? null)
    if (user === undefined || user.disabledAt !== null || verdict === 'wrong') return undefined
    if (verdict === 'outdated') await this.#rehash(user, password)
    // Read again: both may have changed while the password was being verified.
    const now = await this.get(name)
    const isSame = verdict === 'outdated' || now?.passwordHash === user.passwordHash
    return now === undefined || now.disabledAt !== null || !isSame ? undefined : principalOf(now)
  }

  /** The same password at the present cost: nothing ends. */
  async #rehash(user: User, password: Secret): Promise<void> {
    const passwordHash = await this.#passwords.hash(password)
    await this.#store.write('system', 'raise the cost of a password hash', async (tx) => {
      if ((await tx.users.get(user.name))?.passwordHash === user.passwordHash)
        await tx.users.setPasswordHash(user.name, passwordHash)
    })
  }
}

/** 1 to 63: lower case, so that no two look alike, and safe in a path, a policy and a client's user name. */
export function isUserName(text: string): boolean {
  return /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/.test(text)
}

/** Shuts a user out: no log-in, no token. Enabled again, they sign in anew. @returns false where there is no such user */
export async function disableUser(tx: Writers, name: string): Promise<boolean> {
  if (!(await tx.users.disable(name))) return false
  await tx.tokens.revoke({ principalId: principalId('user', name) })
  return true
}

/** Sets a password that is already hashed, and ends what was open under the old one. @returns false where there is no such user */
export async function setPasswordHash(tx: Writers, name: string, passwordHash: string): Promise<boolean> {
  if (!(await tx.users.setPasswordHash(name, passwordHash))) return false
  await tx.tokens.revoke({ principalId: principalId('user', name) })
  return true
}
