import { Secret, type LoginCredential, type OfferedKey, type Refusal } from '@sallyport/core'
import type { Authenticated, Authenticator, CredentialUse } from './authenticator.ts'
import { looksLikeJwt } from './federation/jwt.ts'
import type { OnStanding } from './standing.ts'
import type { Tokens } from './tokens.ts'

/** Every way in which somebody may show who they are: one of our tokens, one of a declared issuer, or an SSH key. */
export class Authenticators implements Authenticator {
  readonly #tokens: Pick<Tokens, 'authenticate' | 'watch'>
  readonly #federation: Authenticator
  readonly #keys: Authenticator

  constructor(parts: {
    readonly tokens: Pick<Tokens, 'authenticate' | 'watch'>
    readonly federation: Authenticator
    readonly keys: Authenticator
  }) {
    this.#tokens = parts.tokens
    this.#federation = parts.federation
    this.#keys = parts.keys
  }

  authenticate(
    credential: LoginCredential,
    from?: string,
    use?: CredentialUse,
  ): Promise<Authenticated | Refusal> {
    if (!(credential instanceof Secret)) return this.#keys.authenticate(credential, from)
    return looksLikeJwt(credential.reveal())
      ? this.#federation.authenticate(credential, from, use)
      : this.#tokens.authenticate(credential)
  }

  accepts(key: OfferedKey, from?: string): Promise<boolean> {
    return this.#keys.accepts(key, from)
  }

  /** See {@link Tokens.watch}: whatever was shown, a token is kept for it. */
  watch(who: Authenticated, listener: OnStanding): Disposable {
    return this.#tokens.watch(who, listener)
  }
}
