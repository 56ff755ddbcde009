import { randomBytes } from 'node:crypto'
import {
  onOwnBehalf,
  principalId,
  type Clock,
  type Principal,
  type Secret,
  type Subject,
} from '@sallyport/core'
import type { SetupLink, Store, Writers } from '@sallyport/store'
import { mintOpaque, opaqueHash, type RandomBytes } from './opaque-token.ts'
import { Passwords, weaknessOf } from './passwords.ts'
import { principalOf } from './principals.ts'
import { administrators, isUserName, setPasswordHash } from './users.ts'

export const firstAdministratorMs = 24 * 3_600_000
export const newUserMs = 3_600_000

/** What a set-up came to. A link that was refused for a name or a password stays good. */
export type SetUp =
  | { readonly kind: 'done'; readonly principal: Principal }
  /** Unknown, used or over: never says which. */
  | { readonly kind: 'invalid-code' }
  | { readonly kind: 'invalid-name' | 'weak-password'; readonly reason: string }

/** One-time codes by which people choose their password: the first administrator at the first start, then each new user. */
export class SetupLinks {
  readonly #store: Store
  readonly #clock: Clock
  readonly #passwords: Passwords
  readonly #random: RandomBytes

  constructor(
    store: Store,
    clock: Clock,
    passwords: Passwords = new Passwords(),
    random: RandomBytes = randomBytes,
  ) {
    this.#store = store
    this.#clock = clock
    this.#passwords = passwords
    this.#random = random
  }

  /** A code for 24 hours, while there is nobody; an earlier one stops working. @returns undefined where there are users */
  async forFirstAdministrator(): Promise<Secret | undefined> {
    return this.#store.write('system', 'first start', async (tx) =>
      (await tx.users.isEmpty()) ? this.#make(tx, null, firstAdministratorMs) : undefined,
    )
  }

  /**
   * A code for an hour; an earlier one stops working.
   * @throws TypeError where there is no such user
   */
  async forUser(by: Subject | 'system', name: string): Promise<Secret> {
    return this.#store.write(by, 'make a set-up link', async (tx) => {
      if ((await tx.users.get(name)) === undefined) throw new TypeError('there is no such user')
      return this.#make(tx, name, newUserMs)
    })
  }

  /** The link that a code opens, while it is good; it stays good. */
  async look(code: Secret): Promise<SetupLink | undefined> {
    const hash = opaqueHash('sps', code)
    const link = hash === undefined ? undefined : await this.#store.read.setupLinks.get(hash)
    return link !== undefined && link.expiresAt > this.#clock.now() ? link : undefined
  }

  /**
   * Uses a code, once: sets the password, and ends what was open under an earlier one.
   * @param name what the first administrator chose; any other link names its user, and this is ignored
   * @throws Fault gateway/overloaded
   */
  async use(code: Secret, name: string, password: Secret): Promise<SetUp> {
    const link = await this.look(code)
    if (link === undefined) return { kind: 'invalid-code' }
    const userName = link.userName ?? name
    if (!isUserName(userName)) return { kind: 'invalid-name', reason: nameRule }
    const weakness = weaknessOf(password)
    if (weakness !== undefined) return { kind: 'weak-password', reason: weakness }
    const passwordHash = await this.#passwords.hash(password)
    return this.#store.write(selfAs(userName), 'set-up', (tx) => setUp(tx, link, userName, passwordHash))
  }

  async #make(tx: Writers, userName: string | null, lifetimeMs: number): Promise<Secret> {
    const code = mintOpaque('sps', this.#random)
    const hash = opaqueHash('sps', code)
    if (hash === undefined) throw new TypeError('a fresh code is always well formed')
    await tx.setupLinks.add({ hash, userName, expiresAt: this.#clock.now() + lifetimeMs })
    return code
  }
}

async function setUp(tx: Writers, link: SetupLink, userName: string, passwordHash: string): Promise<SetUp> {
  if ((await tx.setupLinks.take(link.hash)) === undefined) return { kind: 'invalid-code' }
  if (link.userName === null) {
    // Only while there is nobody: a link that was printed and forgotten must not make another administrator.
    if (!(await tx.users.isEmpty())) return { kind: 'invalid-code' }
    await tx.users.create({ name: userName, displayName: '', groups: [administrators] })
  }
  const user = await tx.users.get(userName)
  if (user === undefined || user.disabledAt !== null) return { kind: 'invalid-code' }
  await setPasswordHash(tx, userName, passwordHash)
  return { kind: 'done', principal: principalOf(user) }
}

/** Whoever holds the link acts as the one it is for. */
function selfAs(userName: string): Subject {
  return onOwnBehalf({ kind: 'user', id: principalId('user', userName), name: userName, groups: [] })
}

const nameRule = 'a user name has 1 to 63 lower-case letters, digits, dots, dashes and underscores'
