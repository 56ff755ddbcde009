import { PathState } from './path-state.ts'

/** Statements up to a ReadyForQuery of which some may change the path. */
export interface PathSegment {
  /** Sent, with the change in it. */
  sent: number
  /** Of those, not yet answered. */
  unanswered: number
}

/**
 * The session's `search_path`, as far as statements and reports tell. Names are resolved by it, so it is never guessed:
 * while a change is on its way judgement waits, and where it cannot be told judgement is refused.
 *
 * PostgreSQL 18 reports it (before each ReadyForQuery). For older servers it is followed through SET, set_config,
 * commit and rollback.
 */
export class SearchPath extends PathState {
  #segment: PathSegment = { sent: 0, unanswered: 0 }
  /** Segments that changed it and whose ReadyForQuery is due: until then a failure may take the change back. */
  #due = 0
  #waiting: (() => void)[] = []

  get isSettled(): boolean {
    return this.#due === 0 && this.#segment.unanswered === 0
  }

  override get isFirm(): boolean {
    return this.isSettled && super.isFirm
  }

  /** Resolves when no change is on its way. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isSettled) resolve()
      else this.#waiting.push(resolve)
    })
  }

  /** A statement that may change it is sent. @returns what its answer is told to */
  sent(): PathSegment {
    this.#segment.sent++
    this.#segment.unanswered++
    return this.#segment
  }

  /** The statement was answered: done, failed, or skipped. */
  answered(segment: PathSegment): void {
    segment.unanswered--
    this.#landed()
  }

  /** A message is sent that the server answers by ReadyForQuery. @returns what {@link segmentEnded} is told, if anything */
  segmentSent(): PathSegment | undefined {
    if (this.#segment.sent === 0) return undefined
    const ended = this.#segment
    this.#segment = { sent: 0, unanswered: 0 }
    this.#due++
    return ended
  }

  segmentEnded(segment: PathSegment | undefined): void {
    if (segment === undefined) return
    this.#due--
    this.#landed()
  }

  #landed(): void {
    if (!this.isSettled) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
