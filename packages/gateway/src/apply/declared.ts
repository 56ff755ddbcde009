import type { Document, IssuerDocument } from '@sallyport/api'
import { contextOf, type SealedBox } from '@sallyport/identity'
import type { Store } from '@sallyport/store'
import { documentOf } from './resource-document.ts'

/** What stands, as the documents that would declare it. Credentials are open in it: it goes no further than a plan. */
export async function declaredNow({ read }: Store, box: SealedBox): Promise<Document[]> {
  const resources = (await read.resources.list()).map(documentOf)
  const policies = ((await read.policies.current())?.texts ?? []).map(({ name, text }): Document => ({
    kind: 'Policy',
    name,
    text,
  }))
  const users = (await read.users.list())
    .filter(({ provider }) => provider === null)
    .map(({ name, groups }): Document => ({
      kind: 'User',
      name,
      groups: [...groups],
    }))
  const credentials: Document[] = []
  for (const { name } of await read.credentials.list()) {
    const sealed = await read.credentials.get(name)
    if (sealed === undefined) continue
    credentials.push({ kind: 'Credential', name, password: box.openText(contextOf(name), sealed).reveal() })
  }
  const webhooks = (await read.webhooks.list()).map((webhook): Document => ({
    kind: 'Webhook',
    ...webhook,
    events: [...webhook.events],
  }))
  // What was checked when it was applied.
  const issuers = (await read.issuers.list()).map(
    (issuer) => ({ kind: 'Issuer', ...issuer }) as IssuerDocument,
  )
  return [...resources, ...policies, ...credentials, ...users, ...webhooks, ...issuers]
}
