import type { Writable } from 'node:stream'

/** Parts up to this size are joined into one write, so that a masked result does not cost a system call a row. */
const joinBelowBytes = 64 * 1024

/**
 * What one side hears next: ranges of received chunks as they came, and bytes of our own.
 * hot path: consecutive passed ranges leave as one slice, without a copy.
 */
export class Outbox {
  #chunk: Buffer | undefined
  #from = 0
  #to = 0
  #parts: Buffer[] = []
  #flushedBytes = 0

  /** Passes on `chunk[from, to)` as it came. */
  pass(chunk: Buffer, from: number, to: number): void {
    if (chunk === this.#chunk && from === this.#to) {
      this.#to = to
      return
    }
    this.#closeRange()
    this.#chunk = chunk
    this.#from = from
    this.#to = to
  }

  /** Adds bytes of our own, after all that was passed so far. */
  put(bytes: Buffer): void {
    this.#closeRange()
    this.#parts.push(bytes)
  }

  /** All that has left so far. */
  get flushedBytes(): number {
    return this.#flushedBytes
  }

  get isEmpty(): boolean {
    return this.#chunk === undefined && this.#parts.length === 0
  }

  /** Writes all of it. @returns what `write` says: false asks the source to pause. */
  flush(to: Writable): boolean {
    this.#closeRange()
    const parts = this.#parts
    if (parts.length === 0) return true
    this.#parts = []
    let goesOn = true
    for (let i = 0; i < parts.length;) {
      const first = i
      let size = 0
      while (i < parts.length && (size === 0 || size + parts[i]!.length <= joinBelowBytes))
        size += parts[i++]!.length
      this.#flushedBytes += size
      goesOn = to.write(i - first === 1 ? parts[first]! : Buffer.concat(parts.slice(first, i), size))
    }
    return goesOn
  }

  /** All of it as one buffer, for tests and for last words. */
  take(): Buffer {
    this.#closeRange()
    const parts = this.#parts
    this.#parts = []
    return Buffer.concat(parts)
  }

  #closeRange(): void {
    if (this.#chunk === undefined) return
    if (this.#to > this.#from) this.#parts.push(this.#chunk.subarray(this.#from, this.#to))
    this.#chunk = undefined
  }
}
