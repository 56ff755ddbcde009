import type { Clock } from '@sallyport/core'
import { CredentialStores, type AwsSettings, type VaultSettings } from '@sallyport/identity'
import type { Config } from '../config/schema.ts'
import type { StoreConfig } from '../config/stores.ts'
import { readNamed } from './named-file.ts'
import { secretAt, type SecretPlaces } from './secret-reference.ts'

export interface StoreParts extends SecretPlaces {
  readonly config: Pick<Config, 'stores'>
  readonly clock: Clock
}

/** The configured stores. None is asked yet. @throws CannotStart where a file that the configuration names is not there */
export function openCredentialStores(parts: StoreParts): CredentialStores {
  const vaults: VaultSettings[] = []
  const aws: AwsSettings[] = []
  for (const [name, store] of Object.entries(parts.config.stores)) {
    if (store.kind === 'vault') vaults.push(vaultOf(name, store, parts))
    else aws.push({ ...store, name, endpoint: store.endpoint })
  }
  return new CredentialStores({ vaults, aws }, parts.clock)
}

/** What opens a store, and so must not be named as a credential of a target. */
export function referencesOf({ stores }: Pick<Config, 'stores'>): string[] {
  return Object.values(stores).flatMap((store) => {
    if (store.kind !== 'vault') return []
    const { auth } = store
    return [auth.method === 'approle' ? auth.secretId : auth.token]
  })
}

function vaultOf(
  name: string,
  { address, namespace, certificateAuthority, auth }: StoreConfig & { readonly kind: 'vault' },
  parts: StoreParts,
): VaultSettings {
  const read = (reference: string) => () => secretAt(reference, parts)
  const settings = {
    name,
    address,
    namespace,
    certificateAuthority:
      certificateAuthority === undefined
        ? undefined
        : readNamed(certificateAuthority, `stores.${name}.certificateAuthority`),
  }
  switch (auth.method) {
    case 'token':
      return { ...settings, auth: { method: 'token', token: read(auth.token) } }
    case 'approle':
      return { ...settings, auth: { ...auth, secretId: read(auth.secretId) } }
    case 'kubernetes':
    case 'jwt':
      return { ...settings, auth: { ...auth, jwt: read(auth.token) } }
  }
}
