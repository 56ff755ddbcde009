import type { Store } from '@sallyport/store'
import type { Metrics } from './metrics.ts'

/** The store, with its changes timed, those that fail as well. */
export function timedStore(store: Store, { storeWriteSeconds }: Pick<Metrics, 'storeWriteSeconds'>): Store {
  return {
    ...store,
    async write(by, why, change) {
      const startedAtMs = performance.now()
      try {
        return await store.write(by, why, change)
      } finally {
        storeWriteSeconds.observe((performance.now() - startedAtMs) / 1000)
      }
    },
  }
}
