import type { RecordingEvent } from '@sallyport/core'
import type { Recorder, Recordings } from '@sallyport/recording'
import type { Metrics } from './metrics.ts'

/** Counts what is recorded, once it is: the numbers say what the recordings say. `onOpened`: it can record. */
export function countedRecordings(
  recordings: Pick<Recordings, 'open'>,
  metrics: Pick<Metrics, 'operations' | 'maskedValues'>,
  onOpened: () => void,
): Pick<Recordings, 'open'> {
  return {
    open: (session) => {
      const recorder = recordings.open(session)
      onOpened()
      return new CountedRecorder(recorder, metrics)
    },
  }
}

class CountedRecorder implements Recorder {
  readonly #recorder: Recorder
  readonly #metrics: Pick<Metrics, 'operations' | 'maskedValues'>

  constructor(recorder: Recorder, metrics: Pick<Metrics, 'operations' | 'maskedValues'>) {
    this.#recorder = recorder
    this.#metrics = metrics
  }

  // hot path: one counter an operation, two where its result was masked.
  append(event: RecordingEvent): void {
    this.#recorder.append(event)
    if (event.kind === 'operation') this.#metrics.operations.inc({ effect: event.effect })
    else if (event.kind === 'result' && event.outcome.maskedValues > 0) {
      this.#metrics.maskedValues.inc(event.outcome.maskedValues)
    }
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
