import type { SpareBuffers } from './spare-buffers.ts'

/**
 * Lines as UTF-8, in a buffer that grows and is used again. hot path: a line is encoded once, and copied from there to wherever else it
 * goes, so that no string outlives its turn.
 */
export class LineBuffer {
  readonly #spares: SpareBuffers
  readonly #leastBytes: number
  #buffer: Buffer = nothing
  #length = 0

  /** @param leastBytes what it takes at first */
  constructor(spares: SpareBuffers, leastBytes: number) {
    this.#spares = spares
    this.#leastBytes = leastBytes
  }

  get length(): number {
    return this.#length
  }

  /** All of it; good until the next change. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Adds a text. @returns where it begins */
  write(text: string): number {
    // Three bytes are the most that a UTF-16 unit takes; long texts are worth a look.
    this.#reserve(text.length <= longText ? 3 * text.length : Buffer.byteLength(text))
    const from = this.#length
    this.#length += this.#buffer.write(text, from)
    return from
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  newline(): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = 0x0a
  }

  /** A part of it; good until the next change. */
  slice(from: number, to: number): Buffer {
    return this.#buffer.subarray(from, to)
  }

  /** Empties it. What one large line took is given back. */
  clear(): void {
    this.#length = 0
    if (this.#buffer.length > keptBytes) this.release()
  }

  /** Empties it and gives back what it took. */
  release(): void {
    this.#length = 0
    this.#spares.giveBack(this.#buffer)
    this.#buffer = nothing
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#buffer.length) return
    const grown = this.#spares.take(Math.max(needed, 2 * this.#buffer.length, this.#leastBytes))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#spares.giveBack(this.#buffer)
    this.#buffer = grown
  }
}

const nothing = Buffer.alloc(0)
const longText = 16 * 1024
const keptBytes = 1024 * 1024
