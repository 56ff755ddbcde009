import type { UpstreamCredential } from '@sallyport/core'
import { asCredential } from './as-credential.ts'

/** Asks an agent of a pool for a credential that it holds, for one session. */
export type AskAgent = (
  request: {
    readonly pool: string
    readonly name: string
    readonly resource: string
    readonly session: string
  },
  signal: AbortSignal,
) => Promise<UpstreamCredential>

/**
 * @param user the account that was asked for and permitted: an agent may not answer with another one's credential
 * @throws Error where it does
 */
export async function fromAgent(
  askAgent: AskAgent,
  request: Parameters<AskAgent>[0],
  user: string,
  signal: AbortSignal,
): Promise<UpstreamCredential> {
  const released = await askAgent(request, signal)
  if (released.user !== '' && released.user !== user)
    throw new Error(`the agent's credential ${request.name} is for another account`)
  return released.password === undefined ? { user } : asCredential(user, released.password)
}
