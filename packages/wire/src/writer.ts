/** Builds one message in a growing buffer. Chainable; `done()` hands over the bytes and ends it. */
export class Writer {
  #buffer: Buffer
  #at = 0

  constructor(sizeBytes = 64) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes)
  }

  get length(): number {
    return this.#at
  }

  uint8(value: number): this {
    this.#reserve(1)
    this.#at = this.#buffer.writeUInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#reserve(2)
    this.#at = this.#buffer.writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#reserve(4)
    this.#at = this.#buffer.writeInt32BE(value, this.#at)
    return this
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
    return this
  }

  cstring(value: string): this {
    const size = Buffer.byteLength(value)
    this.#reserve(size + 1)
    this.#buffer.write(value, this.#at)
    this.#at += size
    this.#buffer[this.#at++] = 0
    return this
  }

  /** Writes `value` over the four bytes at `at`: lengths that are known only at the end. */
  int32At(at: number, value: number): this {
    this.#buffer.writeInt32BE(value, at)
    return this
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #reserve(more: number): void {
    const needed = this.#at + more
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
  }
}
