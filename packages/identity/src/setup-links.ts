import { randomBytes } from 'node:crypto'
import {
  isRefusal,
  onOwnBehalf,
  principalId,
  refusal,
  type Clock,
  type Refusal,
  type Secret,
  type Subject,
} from '@sallyport/core'
import type { SetupLink, Store, User, Writers } from '@sallyport/store'
import { mintOpaque, opaqueHash, type RandomBytes } from './opaque-token.ts'
import { weaknessOf, type Passwords } from './passwords.ts'
import { keepPasswordSignIn } from './signed-in.ts'
import type { Throttle } from './throttle.ts'
import type { MintedToken, Tokens } from './tokens.ts'
import { administrators, isUserName, setPasswordHash } from './users.ts'

/** The secret part of a one-time link; shown this once. */
export interface SetupCode {
  readonly code: Secret
  readonly expiresAtMs: number
}

/** One-time links by which people choose their password: the first administrator at the first start, and then each new user. */
export class SetupLinks {
  readonly #store: Store
  readonly #clock: Clock
  readonly #tokens: Tokens
  readonly #passwords: Passwords
  readonly #throttle: Throttle
  readonly #random: RandomBytes
  readonly #mayUsePassword: (user: Pick<User, 'groups'>) => boolean

  constructor(parts: {
    readonly store: Store
    readonly clock: Clock
    readonly tokens: Tokens
    readonly passwords: Passwords
    readonly throttle: Throttle
    readonly random?: RandomBytes
    /** Where there is a provider, few may sign in without it. The first administrator may. */
    readonly mayUsePassword?: (user: Pick<User, 'groups'>) => boolean
  }) {
    this.#store = parts.store
    this.#clock = parts.clock
    this.#tokens = parts.tokens
    this.#passwords = parts.passwords
    this.#throttle = parts.throttle
    this.#random = parts.random ?? randomBytes
    this.#mayUsePassword = parts.mayUsePassword ?? (() => true)
  }

  /** For the start of the gateway. An earlier link for the first administrator stops working. @returns undefined where there are users */
  async forFirstAdministrator(): Promise<SetupCode | undefined> {
    return this.#store.write('system', 'first start', async (tx) =>
      (await tx.users.isEmpty()) ? this.#add(tx, null, firstSetupLinkMs) : undefined,
    )
  }

  /**
   * Creates a user who has no password yet.
   * @returns undefined where the name is taken, a Refusal for whom a password would be of no use
   * @throws TypeError where it is no user name
   */
  async invite(
    by: Subject | 'system',
    user: { readonly name: string; readonly displayName?: string; readonly groups: readonly string[] },
  ): Promise<SetupCode | Refusal | undefined> {
    const { name, displayName = '', groups } = user
    if (!isUserName(name)) throw new TypeError('that is no user name')
    if (!this.#mayUsePassword(user)) return noPasswords
    return this.#store.write(by, 'invite', async (tx) =>
      (await tx.users.create({ name, displayName, groups })) ? this.#add(tx, name, setupLinkMs) : undefined,
    )
  }

  /**
   * A new link for a user; earlier ones stop working.
   * @returns undefined where there is no such user, they are disabled, or sign in at a provider; a Refusal as for {@link invite}
   */
  async renew(by: Subject | 'system', name: string): Promise<SetupCode | Refusal | undefined> {
    return this.#store.write(by, 'set-up link', async (tx) => {
      const user = await tx.users.get(name)
      if (user === undefined || user.disabledAt !== null || user.provider !== null) return undefined
      return this.#mayUsePassword(user) ? this.#add(tx, name, setupLinkMs) : noPasswords
    })
  }

  /** Whom a link is for, null for the first administrator; it stays good. */
  async look(
    code: Secret,
    address: string,
  ): Promise<{ readonly userName: string | null; readonly expiresAtMs: number } | Refusal> {
    const link = await this.#living(code, address)
    return isRefusal(link) ? link : { userName: link.userName, expiresAtMs: link.expiresAt }
  }

  /**
   * Uses a link: sets the password, ends what was open under an earlier one, and signs in. A request that is refused for its name or
   * password leaves the link good.
   * @param request.name for the first administrator; any other link names its user, and another name is refused
   */
  async use(request: {
    readonly code: Secret
    readonly name?: string
    readonly password: Secret
    readonly address: string
    readonly lifetimeMs?: number
  }): Promise<(MintedToken & { readonly userName: string }) | Refusal> {
    const { code, password, address } = request
    const link = await this.#living(code, address)
    if (isRefusal(link)) return link
    const userName = link.userName ?? request.name
    if (userName === undefined || !isUserName(userName)) return refusal('denied', nameRule)
    if ((request.name ?? userName) !== userName) return refusal('denied', `this link is for ${userName}`)
    const weakness = weaknessOf(password)
    if (weakness !== undefined) return refusal('denied', weakness)
    const passwordHash = await this.#passwords.hash(password)
    const minted = await this.#store.write(selfAs(userName), 'set-up', async (tx) => {
      if ((await tx.setupLinks.take(link.hash)) === undefined) return unknownLink()
      if (link.userName === null && !(await createAdministrator(tx, userName))) return unknownLink()
      const user = await tx.users.get(userName)
      if (user === undefined || user.disabledAt !== null) return unknownLink()
      if (link.userName !== null && !this.#mayUsePassword(user)) return noPasswords
      await setPasswordHash(tx, userName, passwordHash)
      const signIn = await keepPasswordSignIn(tx, this.#clock.now(), userName)
      return this.#tokens.mintWithin(tx, {
        principalId: principalId('user', userName),
        label: 'set-up',
        signIn,
        ...(request.lifetimeMs === undefined ? {} : { lifetimeMs: request.lifetimeMs }),
      })
    })
    return isRefusal(minted) ? minted : { ...minted, userName }
  }

  async #living(code: Secret, address: string): Promise<SetupLink | Refusal> {
    const throttled = this.#throttle.check(address)
    if (throttled !== undefined) return throttled
    const hash = opaqueHash('sps', code)
    const link = hash === undefined ? undefined : await this.#store.read.setupLinks.get(hash)
    if (link !== undefined && link.expiresAt > this.#clock.now()) return link
    this.#throttle.failed(address)
    return unknownLink()
  }

  async #add(tx: Writers, userName: string | null, lifetimeMs: number): Promise<SetupCode> {
    const { token: code, hash } = mintOpaque('sps', this.#random)
    const expiresAtMs = this.#clock.now() + lifetimeMs
    await tx.setupLinks.add({ hash, userName, expiresAt: expiresAtMs })
    return { code, expiresAtMs }
  }
}

/** Only while there is nobody: a link that was printed and forgotten must not make a second one. */
async function createAdministrator(tx: Writers, name: string): Promise<boolean> {
  if (!(await tx.users.isEmpty())) return false
  return tx.users.create({ name, displayName: '', groups: [administrators] })
}

function selfAs(userName: string): Subject {
  return onOwnBehalf({ kind: 'user', id: principalId('user', userName), name: userName, groups: [] })
}

function unknownLink(): Refusal {
  return refusal(
    'invalid-credential',
    'the set-up link is unknown, used or expired',
    'ask an administrator for a new one',
  )
}

const noPasswords = refusal(
  'denied',
  'people sign in at the identity provider here, and not with a password',
  'sign in there: sallyport login --gateway URL',
)
const nameRule = 'a user name has 1 to 63 lower-case letters, digits, dots, dashes and underscores'
const firstSetupLinkMs = 24 * 3_600_000
const setupLinkMs = 3_600_000
