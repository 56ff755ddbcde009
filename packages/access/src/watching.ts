import type { Clock, RecordingEvent, Subject } from '@sallyport/core'
import type { RecordedEvent } from '@sallyport/recording'
import { Bell } from './bell.ts'

/** What waits for one who watches, at most. Who takes it slower than it comes is left behind; the session never waits. */
export const maxWaitingBytes = 1024 * 1024
/** What is taken at once. */
const maxTakenBytes = 256 * 1024
/** Who is not heard of for so long does not watch any more: they closed their machine, or the network did. */
export const silentMs = 30_000

/** What somebody who watches sees next. */
export interface Seen {
  readonly events: readonly RecordedEvent[]
  /** Why there is nothing more behind these. */
  readonly end?: string
}

/** Somebody who watches one session. */
export class Watching {
  readonly id: string
  readonly by: Subject
  readonly #clock: Clock
  readonly #onEnd: (watching: Watching) => void
  readonly #bell = new Bell()
  #events: RecordedEvent[] = []
  #waitingBytes = 0
  #end: string | undefined
  #heardMs: number

  constructor(id: string, by: Subject, clock: Clock, onEnd: (watching: Watching) => void) {
    this.id = id
    this.by = by
    this.#clock = clock
    this.#onEnd = onEnd
    this.#heardMs = clock.elapsed()
  }

  get isSilent(): boolean {
    return this.#clock.elapsed() - this.#heardMs >= silentMs
  }

  /** They are still there. */
  heard(): void {
    this.#heardMs = this.#clock.elapsed()
  }

  /** @returns false where they are too far behind to be shown any more. hot path, while somebody watches */
  show(event: RecordedEvent): boolean {
    if (this.#end !== undefined) return true
    const waitingBytes = this.#waitingBytes + sizeOf(event)
    if (waitingBytes > maxWaitingBytes && this.#events.length > 0) return false
    this.#waitingBytes = waitingBytes
    this.#events.push(event)
    this.#bell.ring()
    return true
  }

  /** What has been shown since; nothing where nothing is within `waitMs`. */
  async next(waitMs: number): Promise<Seen> {
    let isLate = false
    const late = setTimeout(() => {
      isLate = true
      this.#bell.ring()
    }, waitMs)
    // It may have rung for what was taken before.
    while (this.#events.length === 0 && this.#end === undefined && !isLate) await this.#bell.next()
    clearTimeout(late)
    let takenBytes = 0
    let count = 0
    while (count < this.#events.length && takenBytes < maxTakenBytes)
      takenBytes += sizeOf(this.#events[count++]!)
    const events = this.#events.splice(0, count)
    this.#waitingBytes -= takenBytes
    const isLast = this.#events.length === 0
    return isLast && this.#end !== undefined ? { events, end: this.#end } : { events }
  }

  /** They watch no more, for this reason; what was shown before may still be taken. */
  end(why: string): void {
    if (this.#end !== undefined) return
    this.#end = why
    this.#bell.ring()
    this.#onEnd(this)
  }
}

/** In memory, about. */
function sizeOf(event: RecordingEvent | RecordedEvent): number {
  switch (event.kind) {
    case 'output':
    case 'input':
      return smallest + event.bytes.length
    case 'operation': {
      const sizes = event.parameters.map((parameter) => parameter?.length ?? 0)
      return sizes.reduce((sum, size) => sum + size, smallest + event.text.length)
    }
    case 'command-seen':
    case 'review-asked':
    case 'watch-asked':
      return smallest + event.text.length
    default:
      return smallest
  }
}

const smallest = 200
