/** Counts what a PostgreSQL server sends, without keeping it: a client so light that what is measured is the way to it. */
export class RowCounter {
  /** DataRow and CopyData messages. */
  rows = 0
  /** In them, their tags and lengths apart. */
  bytes = 0
  /** ReadyForQuery messages. */
  ready = 0
  readonly #header = Buffer.alloc(5)
  #headerBytes = 0
  /** Of the message that is under way. */
  #left = 0

  /** @throws Error where the server reports one */
  take(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const some = Math.min(this.#left, chunk.length - at)
        this.#left -= some
        at += some
        continue
      }
      const isWhole = this.#headerBytes === 0 && chunk.length - at >= 5
      if (isWhole) {
        this.#begin(chunk[at]!, chunk.readInt32BE(at + 1), chunk, at)
        at += 5
        continue
      }
      this.#header[this.#headerBytes++] = chunk[at++]!
      if (this.#headerBytes < 5) continue
      this.#headerBytes = 0
      this.#begin(this.#header[0]!, this.#header.readInt32BE(1), chunk, at)
    }
  }

  #begin(tag: number, length: number, chunk: Buffer, at: number): void {
    this.#left = length - 4
    if (tag === dataRow || tag === copyData) {
      this.rows++
      this.bytes += this.#left
    } else if (tag === readyForQuery) this.ready++
    else if (tag === errorResponse)
      throw new Error(`the server says: ${chunk.toString('utf8', at, at + length).replaceAll('\0', ' ')}`)
  }
}

const dataRow = 0x44
const copyData = 0x64
const readyForQuery = 0x5a
const errorResponse = 0x45
