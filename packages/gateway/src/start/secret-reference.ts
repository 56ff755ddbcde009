import type { Secret } from '@sallyport/core'
import { secretFrom, type SealedBox } from '@sallyport/identity'
import type { Store } from '@sallyport/store'

export interface SecretPlaces {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly store: Pick<Store, 'read'>
  readonly box: SealedBox
}

/** A secret of the gateway's own, by where the configuration says that it is: `env:NAME`, `file:PATH`, or `sealed:NAME` where its schema takes that. */
export function secretAt(reference: string, { environment, store, box }: SecretPlaces): Promise<Secret> {
  const withheld = { withheldVariables: [], withheldPaths: [] }
  const parts = { credentials: store.read.credentials, box, environment, ...withheld }
  const at = reference.indexOf(':')
  const what = reference.slice(at + 1)
  switch (reference.slice(0, at)) {
    case 'sealed':
      return secretFrom(parts, { from: 'sealed', name: what })
    case 'env':
      return secretFrom(parts, { from: 'environment', variable: what })
    default:
      return secretFrom(parts, { from: 'file', path: what })
  }
}
