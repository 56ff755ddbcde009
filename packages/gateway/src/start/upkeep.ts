import type { Clock } from '@sallyport/core'
import type { Store } from '@sallyport/store'

/** Once a day: forgets tokens that ended long ago. Disposing it ends the timer. */
export function keepUp(store: Store, clock: Clock, onTrouble: (error: unknown) => void): Disposable {
  const forget = (): void => {
    store.write('system', 'upkeep', (tx) => tx.tokens.forgetOld(clock.now() - keepTokensMs)).catch(onTrouble)
  }
  const timer = setInterval(forget, dayMs).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const dayMs = 24 * 3_600_000
/** For whoever asks what a token was. */
const keepTokensMs = 30 * dayMs
