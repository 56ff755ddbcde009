import type { Secret } from '@sallyport/core'
import type { CredentialReader } from '@sallyport/store'
import type { SealedBox } from '../sealed-box.ts'

/** @throws Error where there is none of that name, or it does not open */
export async function fromSealed(
  credentials: Pick<CredentialReader, 'get'>,
  box: SealedBox,
  name: string,
): Promise<Secret> {
  const sealed = await credentials.get(name)
  if (sealed === undefined) throw new Error(`there is no credential ${name}`)
  return box.openText(contextOf(name), sealed)
}

/** What a sealed credential is bound to. */
export function contextOf(name: string): string {
  return `credential ${name}`
}
