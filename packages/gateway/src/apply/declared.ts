import type { CredentialDocument, Document } from '@sallyport/api'
import type { Store } from '@sallyport/store'
import { documentOf } from './resource-document.ts'

/** Seals a target's credential for the store, bound to its name. */
export interface CredentialSeal {
  seal(credential: CredentialDocument): Uint8Array
  /** @throws where it was not sealed under this name and key */
  open(name: string, sealed: Uint8Array): CredentialDocument
}

/** What stands, as the documents that would declare it. Credentials are open in it: it goes no further than a plan. */
export async function declaredNow({ read }: Store, seal: CredentialSeal): Promise<Document[]> {
  const resources = (await read.resources.list()).map(documentOf)
  const policies = ((await read.policies.current())?.texts ?? []).map(({ name, text }): Document => ({
    kind: 'Policy',
    name,
    text,
  }))
  const users = (await read.users.list()).map(({ name, groups }): Document => ({
    kind: 'User',
    name,
    groups: [...groups],
  }))
  const credentials: Document[] = []
  for (const { name } of await read.credentials.list()) {
    const sealed = await read.credentials.get(name)
    if (sealed !== undefined) credentials.push(seal.open(name, sealed))
  }
  return [...resources, ...policies, ...credentials, ...users]
}
