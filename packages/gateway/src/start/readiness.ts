import { Fault, type Clock } from '@sallyport/core'
import type { Store } from '@sallyport/store'

/** Should this gateway get new clients? Probes come often: the store is written at most every few seconds for them. */
export class Readiness {
  readonly #store: Pick<Store, 'check'>
  readonly #clock: Clock
  readonly #unready: () => string | undefined
  isDraining = false
  #looked: { readonly atMs: number; readonly answer: Promise<string | undefined> } | undefined

  /** @param unready why it should not, besides: looked at each time */
  constructor(
    store: Pick<Store, 'check'>,
    clock: Clock,
    unready: () => string | undefined = () => undefined,
  ) {
    this.#unready = unready
    this.#store = store
    this.#clock = clock
  }

  /** @returns why not, or undefined where it should */
  why(): Promise<string | undefined> {
    const why = this.isDraining ? 'draining' : this.#unready()
    if (why !== undefined) return Promise.resolve(why)
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
