import type { OperationId } from '@sallyport/core'
import { readEventLine } from './event-line.ts'
import { LineSplitter } from './lines.ts'

/** Something that was run in a session. */
export interface Ran {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly operation: OperationId
  readonly text: string
  /** On a terminal's screen, and no more: it may never have been run, and much that was run is not seen. */
  readonly isSeen: boolean
}

/**
 * What was run in a session: its operations, except those that were denied, and commands as they were seen on a terminal's screen.
 * Nothing else of a recording is looked at.
 * @param chunks of a recording as it is exported
 */
export async function* whatRan(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Ran> {
  const splitter = new LineSplitter()
  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) {
      // Most lines are output, and are not worth reading.
      const start = line.toString('latin1', 0, lookedAt)
      if (!operation.test(start)) continue
      const event = readEventLine(line.toString())
      const { at } = event
      if (event.kind === 'command-seen') yield { at, operation: event.id, text: event.text, isSeen: true }
      else if (event.kind === 'operation' && event.effect !== 'deny')
        yield { at, operation: event.id, text: event.text, isSeen: false }
    }
  }
}

/** As an event's line begins: number, time and hash, then its kind. */
const operation = /^\{"seq":\d+,"at":\d+,"prev":"[^"]*","kind":"(?:operation|command-seen)"/
const lookedAt = 256
