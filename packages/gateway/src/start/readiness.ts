import { Fault, type Clock } from '@sallyport/core'
import type { Store } from '@sallyport/store'

/** Should this gateway get new clients? Probes come often: the store is written at most every few seconds for them. */
export class Readiness {
  readonly #store: Pick<Store, 'check'>
  readonly #clock: Clock
  isDraining = false
  #looked: { readonly atMs: number; readonly answer: Promise<string | undefined> } | undefined

  constructor(store: Pick<Store, 'check'>, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** @returns why not, or undefined where it should */
  why(): Promise<string | undefined> {
    if (this.isDraining) return Promise.resolve('draining')
    const now = this.#clock.now()
    if (this.#looked === undefined || now - this.#looked.atMs >= lookEveryMs) {
      this.#looked = { atMs: now, answer: this.#look() }
    }
    return this.#looked.answer
  }

  async #look(): Promise<string | undefined> {
    try {
      await this.#store.check()
      return undefined
    } catch (error) {
      return error instanceof Fault ? error.shown : 'the store is not available'
    }
  }
}

const lookEveryMs = 5000
