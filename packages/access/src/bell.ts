/** Wakes one who waits, from many sides; rings that nobody waited for wake the next. */
export class Bell {
  #rung = Promise.withResolvers<void>()

  readonly ring = (): void => this.#rung.resolve()

  async next(): Promise<void> {
    await this.#rung.promise
    this.#rung = Promise.withResolvers<void>()
  }
}
