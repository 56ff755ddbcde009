import { isAscii } from 'node:buffer'
import { Fault } from '@sallyport/core'
import { utf8, type Encoding } from './encoding/encoding.ts'
import { clientEncoding, encodingName } from './encoding/encodings.ts'

/**
 * A session's `client_encoding`: statements are read, and rows rewritten, in it. It changes only between transactions, by a statement of
 * its own that runs alone, and so is known whenever a message is read. While the change is on its way what follows must be ASCII,
 * which is the same in all that are offered.
 */
export class ClientEncoding {
  /** Under which rows and statements go over the wire. */
  current: Encoding
  readonly #serverEncoding: string
  readonly #initial: string
  /** The server's name of it: `SQL_ASCII` stands for the database's own. */
  #name: string
  /** What the server was asked to change to. */
  #pending: string | undefined
  /** Segments that were sent and that were answered, each by a ReadyForQuery. */
  #sentSegments = 0
  #answeredSegments = 0
  /** With the answer to so many it is sure again. */
  #sureFrom = 0

  /** @param initial what the log-in asked for @throws Fault where this database cannot be spoken to in it */
  constructor(initial: string, serverEncoding: string) {
    const encoding = clientEncoding(initial, serverEncoding)
    if (encoding === undefined) throw notOffered(initial, serverEncoding)
    this.current = encoding
    this.#serverEncoding = serverEncoding
    this.#initial = initial
    this.#name = initial
  }

  /** Whether the server reads names as the parser does: it cuts them, and some it folds, in the database's own encoding. */
  get isServerUtf8(): boolean {
    return this.#serverEncoding === utf8.name
  }

  /** Nothing is converted on the way. */
  get isUtf8Throughout(): boolean {
    return this.isServerUtf8 && this.current === utf8 && this.#pending === undefined
  }

  /** Whether it can be told how the server will read these bytes. ASCII is the same in all encodings. */
  isSureOf(bytes: Buffer): boolean {
    return this.#answeredSegments >= this.#sureFrom || isAscii(bytes)
  }

  /** Names and statements, as text; undefined where it is none. @throws Fault where it cannot be told how the server will read it */
  decode(bytes: Buffer): string | undefined {
    this.#beSure(bytes)
    if (!this.isSureOf(bytes))
      throw new Fault(
        'client/unsupported',
        'a name beside ASCII was sent behind a call of code that is not known, before its answer',
      )
    return this.current.decode(bytes)
  }

  /** The same for values that are recorded, and say nothing of what runs. */
  show(bytes: Buffer): string {
    this.#beSure(bytes)
    return this.current.show(bytes)
  }

  #beSure(bytes: Buffer): void {
    if (this.#pending === undefined || isAscii(bytes)) return
    throw new Fault(
      'client/unsupported',
      'text beside ASCII was sent before the change of client_encoding was answered',
    )
  }

  /** By the server's name, what one statement may have in place of the session's. */
  named(name: string): Encoding {
    // The server refuses to convert to what is not offered here, or converts nothing.
    return clientEncoding(name, this.#serverEncoding) ?? utf8
  }

  /** The name of what a setting's value means here; undefined where it is not offered. Without a value: what the log-in asked for. */
  meant(value: string | undefined): string | undefined {
    const name = value === undefined ? this.#initial : encodingName(value)
    return name === undefined || clientEncoding(name, this.#serverEncoding) === undefined ? undefined : name
  }

  /** Whether a setting to this value leaves it as it is. */
  isAlready(value: string | undefined): boolean {
    return this.#pending === undefined && this.meant(value) === this.#name
  }

  /** A statement that changes it, and nothing else, is sent. */
  changing(value: string | undefined): void {
    this.#pending = this.meant(value)
  }

  /** Code is sent to be run that is not known, and may change it: the server says so when it is ready. */
  doubt(): void {
    this.#sureFrom = this.#sentSegments + 1
  }

  /** A message is sent that the server answers by ReadyForQuery. */
  segmentSent(): void {
    this.#sentSegments++
  }

  /** The server is ready. */
  segmentAnswered(): void {
    this.#answeredSegments++
    this.#pending = undefined
  }

  /** The server's own word. @throws Fault where it changed without our knowing */
  reported(value: string): void {
    const name = encodingName(value)
    if (name !== undefined && name === this.#pending) {
      this.#name = name
      this.current = clientEncoding(name, this.#serverEncoding)!
    }
    if (name === this.#name) return
    throw new Fault(
      'client/unsupported',
      'client_encoding was changed by something else than a statement of its own: text cannot be told any more',
    )
  }
}

function notOffered(name: string, serverEncoding: string): Fault {
  return new Fault(
    'client/unsupported',
    `the client encoding ${name} is not offered for a database in ${serverEncoding}; use UTF8`,
  )
}
