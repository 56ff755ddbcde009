import { Secret, type LoginCredential, type OfferedKey, type Refusal } from '@sallyport/core'
import { invalidCredential, type Authenticated, type Authenticator } from './authenticator.ts'
import { looksLikeJwt } from './federation/jwt.ts'
import type { OnStanding } from './standing.ts'
import type { Tokens } from './tokens.ts'

/** Every way in which somebody may show who they are: one of our tokens, or one of a declared issuer. */
export class Authenticators implements Authenticator {
  readonly #tokens: Pick<Tokens, 'authenticate' | 'accepts' | 'watch'>
  readonly #federation: Authenticator

  constructor(tokens: Pick<Tokens, 'authenticate' | 'accepts' | 'watch'>, federation: Authenticator) {
    this.#tokens = tokens
    this.#federation = federation
  }

  authenticate(credential: LoginCredential, from?: string): Promise<Authenticated | Refusal> {
    if (!(credential instanceof Secret)) return Promise.resolve(invalidCredential())
    return looksLikeJwt(credential.reveal())
      ? this.#federation.authenticate(credential, from)
      : this.#tokens.authenticate(credential)
  }

  accepts(_key: OfferedKey): Promise<boolean> {
    return this.#tokens.accepts()
  }

  /** See {@link Tokens.watch}: whatever was shown, a token is kept for it. */
  watch(who: Authenticated, listener: OnStanding): Disposable {
    return this.#tokens.watch(who, listener)
  }
}
