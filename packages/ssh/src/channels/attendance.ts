import { refusal, watchersInWords, type Permit, type Refusal, type Session } from '@sallyport/core'
import type { ChannelEvents } from '../connection/channel.ts'
import { maxPauseMs } from '../limits.ts'

type Passing = Pick<ChannelEvents, 'data' | 'eof' | 'closed' | 'drained'> &
  Partial<Pick<ChannelEvents, 'errorData'>>

export interface AttendanceParts {
  readonly session: Pick<Session, 'id' | 'audience'>
  /** Of what runs; it asks that somebody watches. */
  readonly permit: Permit
  /** Says something to the person there. */
  readonly say: (words: string) => void
  /** Nobody has come back. */
  readonly end: (why: Refusal) => void
  /** Something failed, and with it all of the visit. */
  readonly broke: (thrown: unknown) => void
}

/**
 * Has what runs pause, both ways, while those do not watch who must: what comes meanwhile waits, no more than both windows have room for,
 * and goes on in its order. Ends it after {@link maxPauseMs}.
 */
export class Attendance implements Disposable {
  readonly #parts: AttendanceParts
  readonly #watch: Disposable
  #waiting: (() => void)[] = []
  #limit: NodeJS.Timeout | undefined
  #isOver = false

  constructor(parts: AttendanceParts) {
    this.#parts = parts
    this.#watch = parts.session.audience.onChange(() => this.#look())
    this.#look()
  }

  get isPaused(): boolean {
    return this.#limit !== undefined
  }

  /** Now, or when they watch again; never, where that is not before the end. */
  later(step: () => void): void {
    if (this.isPaused) this.#waiting.push(step)
    else step()
  }

  /** What becomes of what comes from one side, when it may go on. */
  held<Events extends Passing>(events: Events): Events {
    const later =
      <Args extends unknown[]>(step: (...args: Args) => void) =>
      (...args: Args): void =>
        this.later(() => step(...args))
    return {
      ...events,
      data: later(events.data),
      eof: later(events.eof),
      ...(events.errorData !== undefined && { errorData: later(events.errorData) }),
    }
  }

  /** As {@link held}, of the side that runs: how it ended, and that it did, wait behind what it has said before. */
  heldToEnd<Events extends Passing & Pick<ChannelEvents, 'request'>>(events: Events): Events {
    const { closed, request } = events
    return {
      ...this.held(events),
      request: (asked) => this.later(() => request(asked)),
      closed: () => this.later(closed),
    }
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#watch[Symbol.dispose]()
    clearTimeout(this.#limit)
    this.#waiting = []
  }

  #look(): void {
    if (this.#isOver) return
    const { session, permit, say, end } = this.#parts
    const isPresent = session.audience.isPresent(permit)
    if (isPresent === !this.isPaused) return
    const who = watchersInWords(permit.obligations.watchers ?? [])
    if (isPresent) {
      clearTimeout(this.#limit)
      this.#limit = undefined
      say('it goes on: it is watched again')
      return this.#goOn()
    }
    const minutes = maxPauseMs / 60_000
    say(`paused until ${who} watches: sallyport sessions watch ${session.id}; it ends in ${minutes} min`)
    this.#limit = setTimeout(
      () => end(refusal('not-watched', `${who} did not come back to watch within ${minutes} min`)),
      maxPauseMs,
    )
  }

  #goOn(): void {
    const waiting = this.#waiting
    this.#waiting = []
    try {
      for (const step of waiting) step()
    } catch (thrown) {
      this.#parts.broke(thrown)
    }
  }
}
