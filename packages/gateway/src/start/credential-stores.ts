import { readFileSync } from 'node:fs'
import type { Clock, Secret } from '@sallyport/core'
import {
  CredentialStores,
  secretFrom,
  type AwsSettings,
  type SealedBox,
  type VaultSettings,
} from '@sallyport/identity'
import type { Store } from '@sallyport/store'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'
import type { StoreConfig } from '../config/stores.ts'

export interface StoreParts {
  readonly config: Pick<Config, 'stores'>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly store: Pick<Store, 'read'>
  readonly box: SealedBox
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
  const settings = { name, address, namespace, certificateAuthority: pemOf(name, certificateAuthority) }
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

/** The schema lets nothing else through. */
function secretAt(reference: string, { environment, store, box }: StoreParts): Promise<Secret> {
  const withheld = { withheldVariables: [], withheldPaths: [] }
  const parts = { credentials: store.read.credentials, box, environment, ...withheld }
  const at = reference.indexOf(':')
  const what = reference.slice(at + 1)
  return reference.slice(0, at) === 'env'
    ? secretFrom(parts, { from: 'environment', variable: what })
    : secretFrom(parts, { from: 'file', path: what })
}

function pemOf(name: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CannotStart(
      5,
      `${file}, which stores.${name}.certificateAuthority names, cannot be read`,
      'see that it is there',
      { cause },
    )
  }
}
