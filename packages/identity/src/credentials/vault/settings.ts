import type { Secret } from '@sallyport/core'

/** A HashiCorp Vault, and how the gateway logs in to it. */
export interface VaultSettings {
  /** What accounts call it by. */
  readonly name: string
  /** `https://host:port`, without a path. */
  readonly address: string
  /** PEM, where the system does not know who signs its certificate. */
  readonly certificateAuthority: string | undefined
  readonly namespace: string | undefined
  readonly auth: VaultAuth
}

/** Each is read anew for each log-in: files may be rotated. @see https://developer.hashicorp.com/vault/api-docs/auth */
export type VaultAuth =
  | { readonly method: 'token'; readonly token: () => Promise<Secret> }
  | {
      readonly method: 'approle'
      readonly mount: string
      readonly roleId: string
      readonly secretId: () => Promise<Secret>
    }
  | {
      readonly method: 'kubernetes' | 'jwt'
      readonly mount: string
      readonly role: string
      readonly jwt: () => Promise<Secret>
    }
