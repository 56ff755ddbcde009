import type { Fault } from '@sallyport/core'

/**
 * The time by which something must be done, as a signal, which falls sooner where one of others does. Once disposed it never falls, and
 * nothing of it is left: `AbortSignal.timeout` would keep its timer, and what hangs on it, until the time is up, also where all was done
 * long before.
 */
export class Deadline implements Disposable {
  readonly #end = new AbortController()
  readonly #sooner: readonly AbortSignal[]
  readonly #timer: NodeJS.Timeout
  #isLate = false

  /**
   * @param late the signal's reason where the time is up
   * @param sooner signals whose reason is its own where one of them falls
   */
  constructor(ms: number, late: () => Fault, ...sooner: readonly AbortSignal[]) {
    this.#sooner = sooner
    this.#timer = setTimeout(() => {
      this.#isLate = true
      this.#fall(late())
    }, ms)
    for (const signal of sooner) signal.addEventListener('abort', this.#onSooner)
    if (sooner.some(({ aborted }) => aborted)) this.#onSooner()
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  /** Whether the time was up before it was disposed, and before any other signal fell. */
  get isLate(): boolean {
    return this.#isLate
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    for (const signal of this.#sooner) signal.removeEventListener('abort', this.#onSooner)
  }

  readonly #onSooner = (): void => this.#fall(this.#sooner.find(({ aborted }) => aborted)?.reason)

  #fall(reason: unknown): void {
    this[Symbol.dispose]()
    this.#end.abort(reason)
  }
}
