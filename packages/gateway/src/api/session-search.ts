import { refusal, type Clock, type Refusal, type SessionId } from '@sallyport/core'
import { NoSuchRecording, whatRan, type Ran, type Recordings } from '@sallyport/recording'
import type { SessionRow } from '@sallyport/store'

/** A session in which something was run that was looked for. */
export interface FoundSession {
  readonly session: SessionRow
  /** The first of what was found in it. */
  readonly ran: readonly Ran[]
}

export interface FoundSessions {
  readonly found: readonly FoundSession[]
  /** How many were looked through. */
  readonly searched: number
  /** Where there are older ones that were not: to be searched before this one. */
  readonly before?: SessionId
}

export interface Wanted {
  /** Anywhere in what was run, in upper or lower case. */
  readonly text: string
  /** Find so many. */
  readonly limit: number
  /** Older than this one, newest first. */
  readonly sessions: (before: SessionId | undefined, limit: number) => Promise<readonly SessionRow[]>
  /** Of whose sessions whoever asks may see the recording. */
  readonly mayLook: (session: SessionRow) => Promise<boolean>
  /** Nobody waits any more. */
  readonly gone: AbortSignal
}

/**
 * Looks through recordings for what was run. There is no index, which would hold in the clear what recordings keep sealed: they are read,
 * newest first, for {@link searchMs} at most, by one at a time.
 */
export class SessionSearch {
  readonly #recordings: Pick<Recordings, 'export'>
  readonly #clock: Pick<Clock, 'elapsed'>
  #isSearching = false

  constructor(recordings: Pick<Recordings, 'export'>, clock: Pick<Clock, 'elapsed'>) {
    this.#recordings = recordings
    this.#clock = clock
  }

  async find(wanted: Wanted, before?: SessionId): Promise<FoundSessions | Refusal> {
    if (this.#isSearching) return busy
    this.#isSearching = true
    try {
      return await this.#find(wanted, before)
    } finally {
      this.#isSearching = false
    }
  }

  async #find(
    { text, limit, sessions, mayLook, gone }: Wanted,
    before: SessionId | undefined,
  ): Promise<FoundSessions> {
    const isOver = this.#limit(gone)
    const needle = text.toLowerCase()
    const found: FoundSession[] = []
    let last = before
    let searched = 0
    for (;;) {
      const rows = await sessions(last, rowsAtOnce)
      for (const session of rows) {
        const ran = (await mayLook(session)) ? await this.#look(session.id, needle, isOver) : none
        // One that takes too long by itself would be begun again and again: it counts as searched, as far as it was.
        const isCut = isOver() && searched > 0
        if (isCut || searched >= maxSearched) return { found, searched, ...(last && { before: last }) }
        searched++
        last = session.id
        if (ran.length > 0) found.push({ session, ran })
        if (found.length >= limit || isOver()) return { found, searched, before: last }
      }
      if (rows.length < rowsAtOnce) return { found, searched }
    }
  }

  async #look(session: SessionId, needle: string, isOver: () => boolean): Promise<readonly Ran[]> {
    const ran: Ran[] = []
    try {
      for await (const one of whatRan(stoppable(this.#recordings.export(session), isOver))) {
        if (one.text.toLowerCase().includes(needle)) ran.push(one)
        if (ran.length >= maxOfOne) return ran
      }
    } catch (thrown) {
      // Recordings may be kept for less long than the list of sessions.
      if (!(thrown instanceof NoSuchRecording)) throw thrown
    }
    return ran
  }

  #limit(gone: AbortSignal): () => boolean {
    const beganMs = this.#clock.elapsed()
    return () => gone.aborted || this.#clock.elapsed() - beganMs > searchMs
  }
}

async function* stoppable<T>(chunks: AsyncIterable<T>, isOver: () => boolean): AsyncGenerator<T> {
  for await (const chunk of chunks) {
    if (isOver()) return
    yield chunk
  }
}

const busy = refusal(
  'throttled',
  'somebody else is searching recordings',
  'try again in a few seconds; one search goes on at a time',
)
const searchMs = 5_000
const maxSearched = 1000
const rowsAtOnce = 50
const maxOfOne = 5
const none: readonly Ran[] = []
