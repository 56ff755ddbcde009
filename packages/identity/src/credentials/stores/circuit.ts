import type { Clock } from '@sallyport/core'
import { StoreProblem } from './store-problem.ts'

/**
 * Keeps log-ins from waiting for a store that is dead: after {@link mostFailures} in a row that it did not answer, it is not asked for
 * some seconds, twice as long each time. Then one asks, and all others follow where that goes well.
 */
export class Circuit {
  readonly #store: string
  readonly #clock: Clock
  #failures = 0
  #closedUntilMs = -Infinity
  #isProbing = false

  constructor(store: string, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** @throws StoreProblem unavailable, at once, while it is not asked */
  async run<T>(ask: () => Promise<T>): Promise<T> {
    const waitMs = this.#closedUntilMs - this.#clock.elapsed()
    if (this.#failures >= mostFailures && (waitMs > 0 || this.#isProbing))
      throw new StoreProblem(
        'unavailable',
        `${this.#store} does not answer, and is asked again in ${Math.max(1, Math.ceil(waitMs / 1000))} s`,
      )
    const isProbe = this.#failures >= mostFailures
    this.#isProbing = isProbe
    try {
      const answer = await ask()
      this.#failures = 0
      return answer
    } catch (thrown) {
      if (!(thrown instanceof StoreProblem) || thrown.kind !== 'unavailable') this.#failures = 0
      else if (++this.#failures >= mostFailures) {
        const doubled = firstPauseMs * 2 ** (this.#failures - mostFailures)
        this.#closedUntilMs = this.#clock.elapsed() + Math.min(longestPauseMs, doubled)
      }
      throw thrown
    } finally {
      if (isProbe) this.#isProbing = false
    }
  }
}

const mostFailures = 3
const firstPauseMs = 5_000
const longestPauseMs = 60_000
