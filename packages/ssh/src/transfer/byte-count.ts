import { createHash } from 'node:crypto'
import type { OperationId, Passage } from '@sallyport/core'

/** What is kept of a stream whose protocol is not followed, such as rsync's and git's: how much passed, and its hash. */
export class ByteCount {
  readonly #id: OperationId
  readonly #stream: 'stdin' | 'stdout'
  readonly #hash = createHash('sha256')
  #sizeBytes = 0

  constructor(id: OperationId, stream: 'stdin' | 'stdout') {
    this.#id = id
    this.#stream = stream
  }

  /** hot path */
  add(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.length
    this.#hash.update(chunk)
  }

  /** When all passed. */
  passage(): Passage {
    return {
      kind: 'output-left-out',
      id: this.#id,
      stream: this.#stream,
      sizeBytes: this.#sizeBytes,
      sha256: this.#hash.digest('hex'),
    }
  }
}
