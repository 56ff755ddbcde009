import type { Readable } from 'node:stream'

/** Reads a stream only while nobody objects: backpressure, a full hold. Each reason is its own, so that none undoes another. */
export class Valve {
  readonly #stream: Readable
  readonly #objections = new Set<string>()

  constructor(stream: Readable) {
    this.#stream = stream
  }

  shut(reason: string): void {
    this.#objections.add(reason)
    this.#stream.pause()
  }

  open(reason: string): void {
    if (this.#objections.delete(reason) && this.#objections.size === 0) this.#stream.resume()
  }
}
