import type { Fault } from '@sallyport/core'
import type { Events } from '../telemetry/events.ts'

/** Whether what happens can be recorded, and who must know where it cannot. */
export class RecorderState {
  readonly #events: Pick<Events, 'faulted'>
  readonly #listeners = new Set<(fault: Fault) => void>()
  #failure: string | undefined

  constructor(events: Pick<Events, 'faulted'>) {
    this.#events = events
  }

  /** Why it cannot; undefined while it can. */
  get failure(): string | undefined {
    return this.#failure
  }

  readonly failed = (fault: Fault): void => {
    this.#failure = fault.shown
    for (const listener of this.#listeners) listener(fault)
    // Behind them: what ends sessions does not hang on what is said of it.
    this.#events.faulted('recorder', '', fault)
  }

  works(): void {
    this.#failure = undefined
  }

  onFailure(listener: (fault: Fault) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }
}
