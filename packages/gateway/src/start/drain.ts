/** Waits until nothing is left, the time is over, or somebody hurries. */
export class Drain {
  #isOver = false
  readonly #empty = Promise.withResolvers<void>()

  /** Call whenever something ended. */
  look(left: number): void {
    if (left === 0 && this.#isOver) this.#empty.resolve()
  }

  /** @returns true where nothing was left in time */
  async wait(left: number, ms: number, hurry: AbortSignal | undefined): Promise<boolean> {
    this.#isOver = true
    this.look(left)
    const late = Promise.withResolvers<false>()
    const timer = setTimeout(() => late.resolve(false), ms)
    const onHurry = (): void => late.resolve(false)
    hurry?.addEventListener('abort', onHurry, { once: true })
    if (hurry?.aborted === true) onHurry()
    try {
      return await Promise.race([this.#empty.promise.then(() => true), late.promise])
    } finally {
      clearTimeout(timer)
      hurry?.removeEventListener('abort', onHurry)
    }
  }
}
