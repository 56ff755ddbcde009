import type { AccessRequests, Reviews } from '@sallyport/access'
import type { Clock } from '@sallyport/core'
import type { ProviderChecks } from '@sallyport/identity'
import type { Store } from '@sallyport/store'

/**
 * Once a day: forgets tokens and SSH keys that ended long ago, sign-ins that nothing stands by, and old dead letters. Every minute: ends requests that nobody answered, puts
 * the open ones to those whom policy asks by now, ends reviews that nobody waits for, and asks the provider about those whom it has signed in.
 * Disposing it ends the timers.
 */
export function keepUp(
  { store, accessRequests, reviews, clock, checks }: UpkeepParts,
  onTrouble: (error: unknown) => void,
): Disposable {
  const forget = (): void => {
    store
      .write('system', 'upkeep', async (tx) => {
        await tx.tokens.forgetOld(clock.now() - keepTokensMs)
        await tx.signIns.forgetOver()
        await tx.scimTokens.forgetOld(clock.now() - keepTokensMs)
        await tx.sshKeys.forgetOld(clock.now() - keepTokensMs)
        await tx.webhooks.forgetDead(clock.now() - keepDeadLettersMs)
      })
      .catch(onTrouble)
  }
  const daily = setInterval(forget, dayMs).unref()
  const expire = setInterval(() => {
    accessRequests.expireOverdue().catch(onTrouble)
    accessRequests.askAnew().catch(onTrouble)
    reviews.closeLost().catch(onTrouble)
    for (const one of checks) one.check().catch(onTrouble)
  }, minuteMs).unref()
  return {
    [Symbol.dispose]: () => {
      clearInterval(daily)
      clearInterval(expire)
    },
  }
}

export interface UpkeepParts {
  readonly store: Store
  readonly accessRequests: Pick<AccessRequests, 'expireOverdue' | 'askAnew'>
  readonly reviews: Pick<Reviews, 'closeLost'>
  readonly clock: Clock
  /** Of those whom a provider has signed in that can be asked. */
  readonly checks: readonly Pick<ProviderChecks, 'check'>[]
}

const minuteMs = 60_000
const dayMs = 24 * 3_600_000
/** For whoever asks what a token was. */
const keepTokensMs = 30 * dayMs
const keepDeadLettersMs = 30 * dayMs
