import type { SessionId } from '@sallyport/core'
import type { Store } from '@sallyport/store'

export type SessionEnd = Parameters<Store['traffic']['sessionEnded']>[1]

/** How soon the store is tried again. */
const retryMs = 5_000

/** Notes how sessions ended; again and again where the store cannot take it, so that none is shown as living that does not. */
export class SessionEnds implements Disposable {
  readonly #traffic: Pick<Store['traffic'], 'sessionEnded'>
  readonly #unnoted = new Map<SessionId, SessionEnd>()
  #retry: NodeJS.Timeout | undefined

  constructor(traffic: Pick<Store['traffic'], 'sessionEnded'>) {
    this.#traffic = traffic
  }

  /** @throws Fault gateway/store-unavailable; it is noted later all the same, unless the gateway stops before */
  async note(id: SessionId, end: SessionEnd): Promise<void> {
    try {
      await this.#traffic.sessionEnded(id, end)
    } catch (thrown) {
      this.#unnoted.set(id, end)
      this.#retryLater()
      throw thrown
    }
  }

  /** Those that are left are noted at the next start, as interrupted. */
  [Symbol.dispose](): void {
    clearTimeout(this.#retry)
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => void this.#noteAll(), retryMs)
  }

  async #noteAll(): Promise<void> {
    try {
      for (const [id, end] of this.#unnoted) {
        await this.#traffic.sessionEnded(id, end)
        this.#unnoted.delete(id)
      }
      this.#retry = undefined
    } catch {
      // The session's own failure was told; this is the same one.
      this.#retry = undefined
      this.#retryLater()
    }
  }
}
