import { isRefusal, onOwnBehalf, principalId, type Clock, type Refusal, type Secret } from '@sallyport/core'
import type { Store, User } from '@sallyport/store'
import { invalidCredential } from './authenticator.ts'
import type { Passwords } from './passwords.ts'
import { principalOf } from './principals.ts'
import { keepPasswordSignIn } from './signed-in.ts'
import type { Throttle } from './throttle.ts'
import type { MintedToken, TokenRequest, Tokens } from './tokens.ts'

/** Trades a local user's name and password for an access token. */
export class SignIn {
  readonly #store: Store
  readonly #tokens: Tokens
  readonly #passwords: Passwords
  readonly #throttle: Throttle
  readonly #clock: Clock
  readonly #mayUsePassword: (user: User) => boolean

  constructor(parts: {
    readonly store: Store
    readonly tokens: Tokens
    readonly passwords: Passwords
    readonly throttle: Throttle
    readonly clock: Clock
    /** Where there is a provider, few may sign in without it. */
    readonly mayUsePassword?: (user: User) => boolean
  }) {
    this.#store = parts.store
    this.#tokens = parts.tokens
    this.#passwords = parts.passwords
    this.#throttle = parts.throttle
    this.#clock = parts.clock
    this.#mayUsePassword = parts.mayUsePassword ?? (() => true)
  }

  /**
   * An unknown name, a disabled user, one without a password or who may not use it, and a wrong password are one answer, which takes the same time.
   * @throws Fault gateway/store-unavailable, gateway/overloaded
   */
  async withPassword(claim: {
    readonly name: string
    readonly password: Secret
    /** Client address, with or without its port. */
    readonly address: string
    readonly label: string
    readonly lifetimeMs?: number
    readonly kind?: NonNullable<TokenRequest['kind']>
  }): Promise<MintedToken | Refusal> {
    const { name, password, address } = claim
    const keys = [address, principalId('user', name)]
    const throttled = this.#throttle.check(...keys)
    if (throttled !== undefined) return throttled
    const user = await this.#store.read.users.get(name)
    const verdict = await this.#passwords.verify(password, user?.passwordHash ?? null)
    // Of many guesses at once, no more are answered than of as many in a row.
    const meanwhile = this.#throttle.check(...keys)
    if (meanwhile !== undefined) return meanwhile
    const admitted =
      user === undefined || user.disabledAt !== null || verdict === 'wrong' || !this.#mayUsePassword(user)
        ? undefined
        : await this.#admit(user, verdict === 'outdated' ? password : undefined, claim)
    if (admitted !== undefined) {
      this.#throttle.succeeded(...keys)
      return admitted
    }
    this.#throttle.failed(...keys)
    await this.#noteFailure(user, address)
    return invalidCredential()
  }

  /** undefined where the user was disabled, or the password changed, while it was being verified. */
  async #admit(
    user: User,
    rehash: Secret | undefined,
    claim: Pick<TokenRequest, 'label' | 'lifetimeMs' | 'kind'> & { readonly address: string },
  ): Promise<MintedToken | undefined> {
    const { label, lifetimeMs, kind = 'sp', address } = claim
    const principal = principalOf(user)
    const passwordHash = rehash && (await this.#passwords.hash(rehash))
    return this.#store.write(onOwnBehalf(principal), 'log-in', async (tx) => {
      if ((await tx.users.get(user.name))?.passwordHash !== user.passwordHash) return undefined
      const signIn = await keepPasswordSignIn(tx, this.#clock.now(), user.name)
      const minted = await this.#tokens.mintWithin(tx, {
        principalId: principal.id,
        label,
        kind,
        signIn,
        ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
      })
      if (isRefusal(minted)) return undefined
      if (passwordHash !== undefined) await tx.users.setPasswordHash(user.name, passwordHash)
      tx.note(`user ${user.name} logged in from ${address}`, { kind: 'log-in', address })
      return minted
    })
  }

  /** An unknown name is not written down: people type passwords there. */
  async #noteFailure(user: User | undefined, address: string): Promise<void> {
    const whom = user === undefined ? 'an unknown name' : `user ${user.name}`
    await this.#store.write('system', 'log-in', (tx) =>
      Promise.resolve(
        tx.note(`log-in failed for ${whom} from ${address}`, {
          kind: 'log-in-failed',
          address,
          ...(user !== undefined && { principal: principalId('user', user.name) }),
        }),
      ),
    )
  }
}
