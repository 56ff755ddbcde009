import { setImmediate as otherWork } from 'node:timers/promises'

/** Texts that are parsed before others may work, in UTF-16 units together: some 10 ms. */
const maxTurnLength = 64 * 1024

/** A catalogue may hold thousands of texts to be parsed, and all that happens in the meantime waits. */
export class Turns {
  #length = 0

  /** Such a text was parsed. Lets others work where it is time. */
  async parsed(text: string): Promise<void> {
    this.#length += text.length
    if (this.#length < maxTurnLength) return
    this.#length = 0
    await otherWork()
  }
}
