import { actorsOf, whoInWords, type OperationId } from '@sallyport/core'
import type { RecordedEvent } from './event-line.ts'

/** What an asciicast begins with. https://docs.asciinema.org/manual/asciicast/v2/ */
export interface AsciicastHeader {
  readonly version: 2
  readonly width: number
  readonly height: number
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly title: string
  readonly env: Readonly<Record<string, string>>
}

/** `o` output, `i` input, `r` another size (`80x24`), `m` a marker; the time is in seconds since the header's. */
export type AsciicastEvent = readonly [time: number, code: 'o' | 'i' | 'r' | 'm', data: string]

/** More is not waited for to tell which terminal it is about. */
const maxAheadBytes = 16 * 1024 * 1024
const usual = { columns: 80, rows: 24 }

/**
 * A recording as an asciicast: what happened in one terminal, with a marker for each operation and each command that was seen. Without a
 * terminal, what all commands put out. Bytes that are no UTF-8 are U+FFFD in it.
 * @param wanted the operation whose terminal it is; the first that has one where absent
 */
export async function* asciicastOf(
  events: AsyncIterable<RecordedEvent>,
  wanted?: OperationId,
): AsyncGenerator<AsciicastHeader | AsciicastEvent> {
  const ahead: RecordedEvent[] = []
  let aheadBytes = 0
  let cast: Cast | undefined
  for await (const event of events) {
    if (cast !== undefined) {
      yield* cast.take(event)
      continue
    }
    ahead.push(event)
    if (event.kind === 'output') aheadBytes += event.bytes.length
    const isOfTerminal = event.kind === 'terminal' && (wanted ?? event.id) === event.id
    if (!isOfTerminal && aheadBytes <= maxAheadBytes) continue
    cast = new Cast(ahead, isOfTerminal ? event.id : wanted)
    yield* cast.begin()
  }
  cast ??= new Cast(ahead, wanted)
  yield* cast.begin()
  yield* cast.end()
}

type Terminal = Extract<RecordedEvent, { kind: 'terminal' }>

class Cast {
  readonly #ahead: readonly RecordedEvent[]
  /** Of which it is; of all where absent. */
  readonly #operation: OperationId | undefined
  readonly #terminal: Terminal | undefined
  readonly #beganAt: number
  readonly #decoders = new Map<string, InstanceType<typeof TextDecoder>>()
  #hasBegun = false
  #lastAt: number

  constructor(ahead: readonly RecordedEvent[], operation: OperationId | undefined) {
    this.#ahead = ahead
    this.#operation = operation
    this.#terminal = ahead.find((event) => event.kind === 'terminal' && event.id === operation) as
      | Terminal
      | undefined
    this.#beganAt = this.#terminal?.at ?? ahead[0]?.at ?? 0
    this.#lastAt = this.#beganAt
  }

  *begin(): Generator<AsciicastHeader | AsciicastEvent> {
    if (this.#hasBegun) return
    this.#hasBegun = true
    const opened = this.#ahead.find((event) => event.kind === 'opened')
    const { columns, rows } = this.#terminal ?? usual
    yield {
      version: 2,
      width: columns,
      height: rows,
      timestamp: Math.floor(this.#beganAt / 1000),
      title: opened === undefined ? '' : titleOf(opened),
      env: this.#terminal === undefined ? {} : { TERM: this.#terminal.term },
    }
    for (const event of this.#ahead) if (event !== this.#terminal) yield* this.take(event)
  }

  *take(event: RecordedEvent): Generator<AsciicastEvent> {
    // A clock that was set back does not have time go back.
    this.#lastAt = Math.max(this.#lastAt, event.at)
    switch (event.kind) {
      case 'output':
        if (this.#isOurs(event.id)) yield* this.#event('o', this.#decoded(event, event.stream))
        return
      case 'input':
        if (this.#isOurs(event.id)) yield* this.#event('i', this.#decoded(event, 'stdin'))
        return
      case 'terminal':
        if (this.#operation !== undefined && this.#isOurs(event.id))
          yield* this.#event('r', `${event.columns}x${event.rows}`)
        return
      case 'operation':
        yield* this.#event(
          'm',
          oneLine(`#${event.id} ${event.effect === 'deny' ? 'DENIED ' : ''}${event.text}`),
        )
        return
      case 'command-seen':
        if (this.#isOurs(event.id)) yield* this.#event('m', oneLine(`seen: ${event.text}`))
        return
      case 'output-left-out':
        if (this.#isOurs(event.id))
          yield* this.#event('m', `${event.sizeBytes} bytes of ${event.stream} are not recorded`)
        return
      default:
    }
  }

  /** What of a letter has come, and will not come any more. */
  *end(): Generator<AsciicastEvent> {
    for (const [which, decoder] of this.#decoders) {
      const text = decoder.decode()
      yield* this.#event(which.endsWith('stdin') ? 'i' : 'o', text)
    }
  }

  *#event(code: AsciicastEvent[1], data: string): Generator<AsciicastEvent> {
    if (data !== '') yield [(this.#lastAt - this.#beganAt) / 1000, code, data]
  }

  #isOurs(id: OperationId): boolean {
    return this.#operation === undefined || this.#operation === id
  }

  #decoded({ id, bytes }: { readonly id: OperationId; readonly bytes: Uint8Array }, stream: string): string {
    const which = `${id} ${stream}`
    let decoder = this.#decoders.get(which)
    if (decoder === undefined)
      this.#decoders.set(which, (decoder = new TextDecoder('utf-8', { ignoreBOM: true })))
    const text = decoder.decode(bytes, { stream: true })
    // Without a terminal nobody has made line feeds go back to the line's beginning.
    return this.#terminal === undefined ? text.replaceAll(/\r?\n/g, '\r\n') : text
  }
}

function titleOf({
  session,
  principal,
  actor,
  resource,
}: Extract<RecordedEvent, { kind: 'opened' }>): string {
  return `${session}: ${whoInWords(principal, actorsOf(actor))} on ${resource}`
}

function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
  return line.length <= maxMarkerLength ? line : `${line.slice(0, maxMarkerLength - 1)}…`
}

const maxMarkerLength = 200
