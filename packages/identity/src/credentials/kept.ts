import type { CredentialSourceFrom, Secret } from '@sallyport/core'
import type { CredentialReader } from '@sallyport/store'
import type { SealedBox } from '../sealed-box.ts'
import { fromEnvironment } from './environment.ts'
import { fromFile } from './file.ts'
import { fromSealed } from './sealed.ts'

/** What the gateway can open by itself. */
export type KeptSource = CredentialSourceFrom<'sealed' | 'environment' | 'file'>

export interface KeptParts {
  readonly credentials: Pick<CredentialReader, 'get'>
  readonly box: SealedBox
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Variables that are nobody's credential, such as the one with the master key: a resource must not send them to a target. */
  readonly withheldVariables: readonly string[]
  /** Files and directories likewise, such as the data directory. */
  readonly withheldPaths: readonly string[]
}

/** @throws Error where it is not there; Fault gateway/store-unavailable */
export async function secretFrom(parts: KeptParts, source: KeptSource): Promise<Secret> {
  switch (source.from) {
    case 'sealed':
      return fromSealed(parts.credentials, parts.box, source.name)
    case 'environment':
      return fromEnvironment(parts.environment, parts.withheldVariables, source.variable)
    case 'file':
      return fromFile(source.path, parts.withheldPaths)
  }
}
