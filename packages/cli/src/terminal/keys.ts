import { setTimeout as sleep } from 'node:timers/promises'
import type { Surroundings } from '../surroundings.ts'

type RawInput = Surroundings['input'] & { setRawMode?(isRaw: boolean): unknown }

/** The keys of who looks on: space, and q or Ctrl-C. Nobody's where there is no terminal. */
export class Keys implements AsyncDisposable {
  readonly #input: RawInput
  readonly #isThere: boolean
  readonly #quit = new AbortController()
  #paused: PromiseWithResolvers<void> | undefined

  constructor(input: Surroundings['input']) {
    this.#input = input
    this.#isThere = input.isTTY === true
    if (!this.#isThere) return
    this.#input.setRawMode?.(true)
    this.#input.on('data', this.#onData)
    this.#input.resume()
  }

  /** Aborts when they want no more. */
  get quit(): AbortSignal {
    return this.#quit.signal
  }

  get hasQuit(): boolean {
    return this.#quit.signal.aborted
  }

  /** So long, or until they want no more; a pause is not counted. */
  async orAfter(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#quit.signal }).catch(() => undefined)
  }

  async whilePaused(): Promise<void> {
    await this.#paused?.promise
  }

  readonly #onData = (bytes: Buffer | string): void => {
    for (const key of bytes.toString()) {
      if (key === ' ') this.#togglePause()
      if (key === 'q' || key === '\u0003') {
        this.#quit.abort()
        this.#paused?.resolve()
      }
    }
  }

  #togglePause(): void {
    const paused = this.#paused
    this.#paused = paused === undefined ? Promise.withResolvers() : undefined
    paused?.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isThere) {
      this.#input.off('data', this.#onData)
      this.#input.setRawMode?.(false)
      this.#input.pause()
    }
    return Promise.resolve()
  }
}
