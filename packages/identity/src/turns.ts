/** Runs so many pieces of work at once; the rest wait in order, up to a limit. */
export class Turns {
  readonly #atOnce: number
  readonly #maxWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(atOnce: number, maxWaiting: number) {
    this.#atOnce = atOnce
    this.#maxWaiting = maxWaiting
  }

  /** @returns undefined, having done nothing, where too many wait already */
  take<T>(work: () => Promise<T>): Promise<T> | undefined {
    if (this.#running < this.#atOnce) return this.#run(work)
    if (this.#waiting.length >= this.#maxWaiting) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    return promise.then(() => this.#run(work))
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }
}
