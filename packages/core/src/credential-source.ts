/**
 * Where the gateway gets a target's credential. `agent` names one held by the agent and released per session; `certificate` is a fresh
 * key for each log-in, certified by an authority of the gateway's that the target trusts: its protocol says which.
 * `vault-database` is a user of the target that Vault makes for one session; `rds-iam` a password that AWS takes for a quarter of an
 * hour. `store` names a configured store.
 */
export type CredentialSource = LastingSource | VaultDatabaseUser | EphemeralRoleSource

/** What makes nothing that would have to be undone. */
export type LastingSource =
  | { readonly from: 'sealed'; readonly name: string }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'agent'; readonly name: string }
  | { readonly from: 'certificate' }
  | VaultSecret
  | AwsSecret
  | {
      readonly from: 'rds-iam'
      readonly store: string
      /** Of the database, where that is not the store's. */
      readonly region?: string | undefined
      /** As AWS calls it, where the resource's host is another name for it. */
      readonly host?: string | undefined
    }
  | { readonly from: 'none' }

interface VaultDatabaseUser {
  readonly from: 'vault-database'
  readonly store: string
  readonly mount: string
  readonly role: string
}

/** A role of the target that is made for one session, acts as the account, and is dropped after it. */
interface EphemeralRoleSource {
  readonly from: 'ephemeral-role'
  /** The role that makes and drops it. */
  readonly via: { readonly name: string; readonly credential: LastingSource }
}

/** Of one kind. */
export type CredentialSourceFrom<From extends CredentialSource['from']> = Extract<
  CredentialSource,
  { readonly from: From }
>

/** A field of a secret in HashiCorp Vault's key-value store, version 2. */
interface VaultSecret {
  readonly from: 'vault'
  readonly store: string
  /** Where the engine is mounted. */
  readonly mount: string
  readonly path: string
  readonly field: string
  /** The newest where absent. */
  readonly version?: number | undefined
}

/** A secret in AWS Secrets Manager. */
interface AwsSecret {
  readonly from: 'aws-secret'
  readonly store: string
  /** Its name or ARN. */
  readonly secret: string
  /** Of the JSON object that it is; the whole text where absent. */
  readonly key?: string | undefined
  /** `AWSCURRENT` where absent. */
  readonly stage?: string | undefined
}
