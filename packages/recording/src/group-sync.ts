import { cannotRecord } from './failure.ts'

/** Many ask to be durable, one sync answers all that asked before it began. */
export class GroupSync {
  readonly #sync: () => Promise<void>
  readonly #limitMs: number
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(sync: () => Promise<void>, limitMs: number) {
    this.#sync = sync
    this.#limitMs = limitMs
  }

  /**
   * Resolves when a sync that begins after this call has ended.
   * @throws Fault gateway/cannot-record where it failed, or took longer than the limit
   */
  request(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      this.#running = this.#run()
      return this.#running
    })
    return this.#next
  }

  async #run(): Promise<void> {
    const late = Promise.withResolvers<never>()
    // In slices: a process that was stopped, or a machine that slept, does not take its own absence for the disk's.
    let left = slices
    const timer = setInterval(() => {
      if (--left === 0) late.reject(cannotRecord(new Error(`a sync took longer than ${this.#limitMs} ms`)))
    }, this.#limitMs / slices)
    try {
      await Promise.race([this.#sync(), late.promise])
    } catch (thrown) {
      throw cannotRecord(thrown)
    } finally {
      clearInterval(timer)
    }
  }
}

/** Parts of the limit, each of which this process has to be awake for. */
const slices = 10
