import { randomBytes } from 'node:crypto'
import type { GateParts } from '@sallyport/access'
import {
  Fault,
  sessionId,
  type Account,
  type OwnTarget,
  type Resource,
  type SampleRequest,
  type StreamProtocol,
  type TagSuggestions,
} from '@sallyport/core'

/** Which target is sampled, and what of it. */
export interface TagQuestion extends SampleRequest {
  readonly resource: string
  readonly account: string
}

/** @throws Fault where the target cannot be reached or asked, or has nothing to sample */
export async function suggestTagsThrough(
  parts: Pick<GateParts, 'store' | 'dial' | 'credential' | 'clock'>,
  protocols: readonly StreamProtocol[],
  { resource: name, account: accountName, ...request }: TagQuestion,
  signal: AbortSignal,
): Promise<TagSuggestions> {
  const resource = await parts.store.read.resources.get(name)
  const account = resource?.accounts.find((one) => one.name === accountName)
  const protocol = protocols.find((one) => one.name === resource?.protocol)
  if (resource === undefined || account === undefined || protocol?.suggestTags === undefined)
    throw new Fault('client/unsupported', 'there is nothing to sample on this resource')
  await using life = new AsyncDisposableStack()
  const known = { ...resource, options: protocol.options(resource.options) }
  const target = ownTarget(life, parts, known, account, signal)
  return await protocol.suggestTags(target, request, signal)
}

/**
 * A target that the gateway asks on its own behalf, in nobody's session.
 * @param life takes what has to be released
 */
function ownTarget(
  life: AsyncDisposableStack,
  { dial, credential, clock }: Pick<GateParts, 'dial' | 'credential' | 'clock'>,
  resource: Resource,
  account: Account,
  signal: AbortSignal,
): OwnTarget {
  const session = sessionId(clock.now(), randomBytes(16))
  const { host, port, agent, name } = resource
  return {
    resource,
    account: account.name,
    dial: (until = signal) => dial({ pool: agent, resource: name, session, host, port }, until),
    credential: async () => {
      const { credential: found, lease } = await credential({
        resource,
        account,
        session,
        subject: undefined,
        signal,
      })
      if (lease !== undefined) life.defer(() => lease.release())
      return found
    },
  }
}
