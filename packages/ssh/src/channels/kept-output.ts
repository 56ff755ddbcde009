import { createHash, type Hash } from 'node:crypto'
import type { OperationId, Passage } from '@sallyport/core'

export type Note = (passage: Passage) => void

/** One stream of a command, as far as it is kept: its begin, and of the rest its length and hash. */
export class KeptOutput {
  readonly #id: OperationId
  readonly #stream: 'stdout' | 'stderr' | 'stdin'
  readonly #note: Note
  #room: number
  #leftOutBytes = 0
  #hash: Hash | undefined

  /** @param room how many bytes are kept */
  constructor(id: OperationId, stream: 'stdout' | 'stderr' | 'stdin', note: Note, room: number) {
    this.#id = id
    this.#stream = stream
    this.#note = note
    this.#room = room
  }

  // hot path
  take(bytes: Buffer): void {
    const kept = Math.min(bytes.length, this.#room)
    if (kept > 0) {
      this.#room -= kept
      const part = bytes.subarray(0, kept)
      this.#note(
        this.#stream === 'stdin'
          ? { kind: 'input', id: this.#id, bytes: part }
          : { kind: 'output', id: this.#id, stream: this.#stream, bytes: part },
      )
    }
    if (kept === bytes.length) return
    this.#hash ??= createHash('sha256')
    this.#hash.update(bytes.subarray(kept))
    this.#leftOutBytes += bytes.length - kept
  }

  /** Says what was left out, where anything was. Once. */
  end(): void {
    if (this.#hash === undefined) return
    this.#note({
      kind: 'output-left-out',
      id: this.#id,
      stream: this.#stream,
      sizeBytes: this.#leftOutBytes,
      sha256: this.#hash.digest('hex'),
    })
    this.#hash = undefined
  }
}
