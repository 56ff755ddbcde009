import { hash } from 'node:crypto'
import type { RecordingEvent, SessionId } from '@sallyport/core'
import { eventLine, headerLine, readHeader, readLink } from './event-line.ts'

/** SHA-256 of a line's bytes without its line feed, base64url. */
export function hashLine(line: string | Uint8Array): string {
  return hash('sha256', line, 'base64url')
}

/** Where a chain stands: its session, how many events it has, and the hash of its last line. */
export interface ChainState {
  readonly session: SessionId
  readonly events: number
  readonly head: string
}

/** Writes a chain: each line carries the hash of the line before it. */
export class Chain implements ChainState {
  readonly session: SessionId
  #events: number
  #head: string

  /** Goes on where a chain stands. */
  constructor(from: ChainState) {
    this.session = from.session
    this.#events = from.events
    this.#head = from.head
  }

  /** A new chain, and the header line that begins it. */
  static begin(session: SessionId, at: number): { readonly chain: Chain; readonly header: string } {
    const header = headerLine(session, at)
    return { chain: new Chain({ session, events: 0, head: hashLine(header) }), header }
  }

  get events(): number {
    return this.#events
  }

  get head(): string {
    return this.#head
  }

  /** The event's line. The chain goes on only once it is {@link accept}ed. hot path */
  draft(event: RecordingEvent, at: number): string {
    return eventLine(event, this.#events + 1, at, this.#head)
  }

  // hot path: one hash.
  accept(line: string | Uint8Array): void {
    this.#events++
    this.#head = hashLine(line)
  }
}

/** Reads a chain, a line at a time. */
export class ChainReader {
  #session: SessionId | undefined
  #events = 0
  #head = ''

  /** Undefined before the first line. */
  get state(): ChainState | undefined {
    if (this.#session === undefined) return undefined
    return { session: this.#session, events: this.#events, head: this.#head }
  }

  /** @returns why this line cannot come next, or undefined where it was accepted */
  next(line: Uint8Array, text: string): string | undefined {
    if (this.#session === undefined) {
      this.#session = readHeader(text)
      if (this.#session === undefined) return 'it does not begin as a recording of this format'
    } else {
      const link = readLink(text)
      if (link === undefined) return 'it is not an event'
      if (link.seq !== this.#events + 1)
        return `it is event ${link.seq}, where ${this.#events + 1} should follow`
      if (link.prev !== this.#head) return 'it does not carry the hash of the line before it'
      this.#events++
    }
    this.#head = hashLine(line)
    return undefined
  }
}
