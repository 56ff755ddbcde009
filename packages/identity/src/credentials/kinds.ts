import type { UpstreamCredential } from '@sallyport/core'
import { fromAgent, type AskAgent } from './agent.ts'
import { awsSecretKind, rdsIamKind } from './aws/aws-kinds.ts'
import { secretFrom, type KeptParts, type KeptSource } from './kept.ts'
import { asCredential } from './as-credential.ts'
import { ephemeralRole, type EphemeralRoleParts } from './ephemeral-role.ts'
import type { CredentialKind, CredentialKinds, Undertake } from './kind.ts'
import type { CredentialStores } from './stores/credential-stores.ts'
import { vaultDatabaseKind, vaultKind } from './vault/vault-kinds.ts'

export interface KindParts extends KeptParts, EphemeralRoleParts {
  readonly askAgent: AskAgent
  /** Who certifies keys for the targets of a protocol, by its name; nobody where they let nobody in by certificates. */
  readonly certifiers: ReadonlyMap<string, Certifier>
  readonly stores: Pick<CredentialStores, 'vault' | 'aws'>
}

/** Makes a key and its certificate for one log-in. */
export interface Certifier {
  /** @throws RangeError where the account's name cannot stand in a certificate */
  issue(account: string, session: string): UpstreamCredential | Promise<UpstreamCredential>
}

/** Every kind of source, by its name: `from` of an account's credential. */
export function credentialKinds(parts: KindParts): CredentialKinds {
  const kept: CredentialKind<KeptSource> = {
    fetch: async (source, { account }) => asCredential(account.name, await secretFrom(parts, source)),
  }
  const kinds: CredentialKinds = {
    sealed: kept,
    environment: kept,
    file: kept,
    agent: {
      fetch: ({ name }, { resource, account, session, signal }) =>
        fromAgent(
          parts.askAgent,
          { pool: resource.agent, name, resource: resource.name, session },
          account.name,
          signal,
        ),
    },
    certificate: {
      fetch: async (_source, { resource: { protocol }, account, session }) => {
        const certifier = parts.certifiers.get(protocol)
        if (certifier === undefined) throw new Error(`nobody certifies keys for targets of ${protocol}`)
        return await certifier.issue(account.name, session)
      },
    },
    vault: vaultKind((name) => parts.stores.vault(name)),
    'vault-database': vaultDatabaseKind((name) => parts.stores.vault(name)),
    'aws-secret': awsSecretKind((name) => parts.stores.aws(name)),
    'rds-iam': rdsIamKind((name) => parts.stores.aws(name)),
    'ephemeral-role': ephemeralRole(parts, (source, request) => {
      const kind = kinds[source.from] as CredentialKind
      return kind.fetch(source, request, undertakesNothing)
    }),
    none: { fetch: (_source, { account }) => Promise.resolve({ user: account.name }) },
  }
  return kinds
}

/** A connection that lasts for a moment has nobody who would release anything. */
const undertakesNothing: Undertake = () =>
  Promise.reject(new Error('roles are not made by an account that is itself made for one session'))
