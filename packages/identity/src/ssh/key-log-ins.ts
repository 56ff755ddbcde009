import { Secret, type LoginCredential, type OfferedKey, type Refusal } from '@sallyport/core'
import { fingerprint } from '@sallyport/openssh'
import { invalidCredential, type Authenticated, type Authenticator } from '../authenticator.ts'
import type { KeyTrouble, RegisteredKeys } from './registered-keys.ts'
import type { CertificateTrouble, UserCertificates } from './user-certificates.ts'

/** A key or certificate that let nobody in: for the log. */
export interface RefusedKey {
  readonly kind: OfferedKey['kind']
  readonly fingerprint: string
  readonly why: CertificateTrouble | KeyTrouble
}

/** Knows by SSH keys and certificates who somebody is. Whoever shows one is told the same, whatever is wrong. */
export class KeyLogIns implements Authenticator {
  readonly #registered: Pick<RegisteredKeys, 'accepts' | 'holder'>
  readonly #certificates: Pick<UserCertificates, 'holder'>
  readonly #onRefused: (refused: RefusedKey, from: string | undefined) => void

  constructor(parts: {
    readonly registered: Pick<RegisteredKeys, 'accepts' | 'holder'>
    readonly certificates: Pick<UserCertificates, 'holder'>
    readonly onRefused: (refused: RefusedKey, from: string | undefined) => void
  }) {
    this.#registered = parts.registered
    this.#certificates = parts.certificates
    this.#onRefused = parts.onRefused
  }

  async authenticate(credential: LoginCredential, from?: string): Promise<Authenticated | Refusal> {
    if (credential instanceof Secret) return invalidCredential()
    const keys = credential.kind === 'public-key' ? this.#registered : this.#certificates
    const who = await keys.holder(credential, from)
    return typeof who === 'string' ? this.#refused(credential, who, from) : who
  }

  /** Nobody has failed here: clients offer all keys that they have. */
  async accepts(key: OfferedKey, from?: string): Promise<boolean> {
    if (key.kind === 'public-key') return this.#registered.accepts(key)
    return typeof (await this.#certificates.holder(key, from)) !== 'string'
  }

  #refused({ kind, blob }: OfferedKey, why: RefusedKey['why'], from: string | undefined): Refusal {
    this.#onRefused({ kind, fingerprint: fingerprint(blob), why }, from)
    return invalidCredential()
  }
}
