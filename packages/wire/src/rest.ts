/** Bytes that came and were not taken yet, joined only when they are. hot path: one piece is given back as it came. */
export class Rest {
  #parts: Buffer[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  keep(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#parts.push(chunk)
    this.#length += chunk.length
  }

  /** All of it; nothing is kept any more. */
  take(): Buffer {
    const rest = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#length)
    this.#parts = []
    this.#length = 0
    return rest
  }
}
