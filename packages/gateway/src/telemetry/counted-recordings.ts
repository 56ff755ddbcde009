import type { RecordingEvent } from '@sallyport/core'
import type { Recorder, Recordings } from '@sallyport/recording'
import type { Tallies, Tally } from './tallies.ts'

/** Counts what is recorded, once it is: the numbers say what the recordings say. `onOpened`: it can record. */
export function countedRecordings(
  recordings: Pick<Recordings, 'open'>,
  tallies: Tallies,
  onOpened: () => void,
): Pick<Recordings, 'open'> {
  return {
    open: (session) => {
      const recorder = recordings.open(session)
      onOpened()
      return new CountedRecorder(recorder, tallies)
    },
  }
}

class CountedRecorder implements Recorder {
  readonly #recorder: Recorder
  readonly #tallies: Tallies
  /** From the first event on, which says of which resource the session is. */
  #tally: Tally | undefined

  constructor(recorder: Recorder, tallies: Tallies) {
    this.#recorder = recorder
    this.#tallies = tallies
  }

  // hot path: one addition an operation, two where its result was masked.
  append(event: RecordingEvent): void {
    this.#recorder.append(event)
    if (event.kind === 'opened') this.#tally = this.#tallies.of(event.resource)
    else if (this.#tally === undefined) return
    else if (event.kind === 'operation') this.#tally[event.effect]++
    else if (event.kind === 'result') this.#tally.maskedValues += event.outcome.maskedValues
  }

  commit(): void {
    this.#recorder.commit()
  }

  durable(): Promise<void> {
    return this.#recorder.durable()
  }

  close(): Promise<void> {
    return this.#recorder.close()
  }
}
