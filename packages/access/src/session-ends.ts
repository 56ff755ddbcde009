import type { SessionId } from '@sallyport/core'
import type { Store } from '@sallyport/store'

export type SessionEnd = Parameters<Store['traffic']['sessionEnded']>[1]

/** How soon the store is tried again. */
const retryMs = 5_000

/** Notes how sessions ended; again and again where the store cannot take it, so that none is shown as living that does not. */
export class SessionEnds implements AsyncDisposable {
  readonly #traffic: Pick<Store['traffic'], 'sessionEnded'>
  readonly #unnoted = new Map<SessionId, SessionEnd>()
  #retry: NodeJS.Timeout | undefined
  #isOver = false

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

  /** Tries once more. What the store cannot take even now is noted at the next start, as interrupted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#retry)
    await this.#noteAll()
  }

  #retryLater(): void {
    if (!this.#isOver) this.#retry ??= setTimeout(() => void this.#noteAll(), retryMs)
  }

  async #noteAll(): Promise<void> {
    // All at once: the store commits them together. Each one's failure was told when it ended; this is the same one.
    await Promise.allSettled(
      Array.from(this.#unnoted, async ([id, end]) => {
        await this.#traffic.sessionEnded(id, end)
        this.#unnoted.delete(id)
      }),
    )
    this.#retry = undefined
    if (this.#unnoted.size > 0) this.#retryLater()
  }
}
