import { actorsOf, refusal, whoInWords, type PrincipalId, type Refusal, type Subject } from '@sallyport/core'
import type { Store } from '@sallyport/store'
import { oneLine } from './hold.ts'

/** A session that was ended from outside. */
export interface EndedSession {
  readonly principal: PrincipalId
  readonly resource: string
}

/**
 * Ends a session in the name of who asks, who may be its own principal or an administrator: that is the caller's to judge.
 * @param end ends it, in whichever process it lives; undefined where it does not live
 * @returns false where it does not live
 */
export async function kill(
  store: Pick<Store, 'write'>,
  end: (id: string, cause: Refusal) => EndedSession | undefined | Promise<EndedSession | undefined>,
  { id, by, why }: { readonly id: string; readonly by: Subject; readonly why?: string | undefined },
): Promise<boolean> {
  const words = why === undefined || oneLine(why) === '' ? '' : `: ${oneLine(why)}`
  const ended = await end(
    id,
    refusal('session-killed', `ended by ${whoInWords(by.principal, actorsOf(by.actor))}${words}`),
  )
  if (ended === undefined) return false
  await store.write(by, 'kill a session', (tx) => {
    tx.note(`session ${id} of ${ended.principal} on ${ended.resource} killed`, { kind: 'session' })
    return Promise.resolve()
  })
  return true
}
