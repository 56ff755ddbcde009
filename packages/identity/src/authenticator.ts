import { refusal, type LoginCredential, type OfferedKey, type Refusal, type Subject } from '@sallyport/core'

/** Who somebody has proven to be, and by what. */
export interface Authenticated {
  readonly subject: Subject
  readonly token: {
    readonly id: string
    readonly label: string
    /** Milliseconds since 1970; nothing that it opened outlives it. */
    readonly expiresAtMs: number
    /** The sign-in by which it stands, where that is known. */
    readonly signIn?: { readonly id: string; readonly issuer: string | null }
  }
}

export type CredentialUse = 'log-in' | 'exchange'

/** Says who shows a credential. Local tokens are the first kind; tokens of identity providers and workloads are others. */
export interface Authenticator {
  /**
   * A Refusal, always the same one, for whatever is not good: it never says why.
   * @param from the address of whoever shows it
   * @param use to log in by it, unless told otherwise; or to have it exchanged for another, which is all that some are good for
   * @throws Fault gateway/store-unavailable
   */
  authenticate(
    credential: LoginCredential,
    from?: string,
    use?: CredentialUse,
  ): Promise<Authenticated | Refusal>
  /** Whether a key is one that may let somebody in. @throws Fault gateway/store-unavailable */
  accepts(key: OfferedKey, from?: string): Promise<boolean>
}

/** The one answer to every bad credential. */
export function invalidCredential(): Refusal {
  return refusal(
    'invalid-credential',
    'the credential is not valid',
    'sign in again for a new one: sallyport login',
  )
}
