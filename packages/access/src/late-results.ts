import type { Fault, RecordingEvent } from '@sallyport/core'
import { asFault } from '@sallyport/core'
import type { Recorder } from '@sallyport/recording'

type Result = Extract<RecordingEvent, { kind: 'result' }>

/**
 * Takes results down a moment later, once the answer is on its way to who waits for it; always before whatever is recorded next.
 * An operation is recorded before its bytes leave, its result need not be.
 */
export class LateResults implements Recorder {
  readonly #recorder: Recorder
  #results: Result[] = []
  #fault: Fault | undefined

  constructor(recorder: Recorder) {
    this.#recorder = recorder
  }

  // hot path
  append(event: RecordingEvent): void {
    if (event.kind !== 'result') {
      this.#takeDown()
      this.#recorder.append(event)
    } else if (this.#results.push(event) === 1) queueMicrotask(this.#later)
  }

  commit(): void {
    this.#takeDown()
    this.#recorder.commit()
  }

  durable(): Promise<void> {
    this.#takeDown()
    return this.#recorder.durable()
  }

  close(): Promise<void> {
    this.#takeDown()
    return this.#recorder.close()
  }

  /** A recorder that fails has told whoever ends sessions; here nobody listens, so it is thrown at the next occasion. */
  readonly #later = (): void => {
    try {
      this.#takeDown()
    } catch (thrown) {
      this.#fault = asFault(thrown)
    }
  }

  #takeDown(): void {
    if (this.#fault !== undefined) throw this.#fault
    if (this.#results.length === 0) return
    const results = this.#results
    this.#results = []
    for (const result of results) this.#recorder.append(result)
  }
}
