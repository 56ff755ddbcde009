/** Cuts chunks of bytes into lines, whatever the cutting. A line is given without its line feed. */
export class LineSplitter {
  #rest: Buffer[] = []

  /** Is there a last line that nothing ended? */
  get isMidLine(): boolean {
    return this.#rest.length > 0
  }

  *push(chunk: Uint8Array): Generator<Buffer> {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (;;) {
      const end = bytes.indexOf(lineFeed)
      if (end < 0) break
      const line = bytes.subarray(0, end)
      yield this.#rest.length === 0 ? line : Buffer.concat([...this.#rest.splice(0), line])
      bytes = bytes.subarray(end + 1)
    }
    if (bytes.length > 0) this.#rest.push(bytes)
  }
}

const lineFeed = 0x0a
