import { AsyncLocalStorage } from 'node:async_hooks'
import type { KyselyPlugin } from 'kysely'

/**
 * Refuses what would wait for itself: inside a write, the only connection is taken, and a read or write that does not go through the
 * transaction would never be served.
 */
export class OutsideWrite implements KyselyPlugin {
  readonly #inside = new AsyncLocalStorage<{ isOver: boolean }>()

  /** Runs a write's change; what it leaves running afterwards is outside again. */
  async within<T>(change: () => Promise<T>): Promise<T> {
    const here = { isOver: false }
    try {
      return await this.#inside.run(here, change)
    } finally {
      here.isOver = true
    }
  }

  /** @throws TypeError inside a write */
  check(): void {
    if (this.#inside.getStore()?.isOver === false)
      throw new TypeError('inside a write, read and write through its transaction')
  }

  transformQuery: KyselyPlugin['transformQuery'] = ({ node }) => {
    this.check()
    return node
  }

  transformResult: KyselyPlugin['transformResult'] = ({ result }) => Promise.resolve(result)
}
