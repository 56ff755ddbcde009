import { createHash } from 'node:crypto'
import type { OperationId, Passage } from '@sallyport/core'

/** What is kept of pieces that came before their turn. */
const windowBytes = 1024 * 1024
const windowPieces = 256

/**
 * What passed of one file in one direction: its size, and the hash of its bytes in the file's order. Clients have many pieces in
 * flight, and their answers come in any order: pieces that are ahead wait in a bounded window. One that comes twice, or too far ahead,
 * ends the hash, never the transfer.
 * hot path: pieces in order are neither copied nor kept.
 */
export class Content {
  readonly direction: 'upload' | 'download'
  #sizeBytes = 0
  /** All before this offset passed, in order. */
  #next = 0
  #hash: ReturnType<typeof createHash> | undefined = createHash('sha256')
  readonly #ahead = new Map<number, Buffer>()
  #aheadBytes = 0
  /** Where the piece that passes now is put together, when it is ahead. */
  #piece: Buffer | undefined
  #pieceAt = 0
  #endAt: number | undefined
  #hasFailed = false

  constructor(direction: 'upload' | 'download') {
    this.direction = direction
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** A piece begins to pass: `length` bytes for this offset of the file. */
  begin(offset: number, length: number): void {
    if (this.#hash === undefined || offset === this.#next || length === 0) return
    const isTooMuch = this.#aheadBytes + length > windowBytes || this.#ahead.size >= windowPieces
    if (offset < this.#next || isTooMuch || this.#ahead.has(offset)) return this.disorder()
    this.#piece = Buffer.allocUnsafe(length)
    this.#pieceAt = 0
    this.#ahead.set(offset, this.#piece)
    this.#aheadBytes += length
  }

  /** The next bytes of the piece that passes. */
  data(chunk: Buffer, from: number, to: number): void {
    this.#sizeBytes += to - from
    if (this.#hash === undefined) return
    if (this.#piece !== undefined) {
      this.#pieceAt += chunk.copy(this.#piece, this.#pieceAt, from, to)
      return
    }
    this.#hash.update(chunk.subarray(from, to))
    this.#next += to - from
  }

  /** The piece passed. */
  pieceOver(): void {
    this.#piece = undefined
    for (let piece; (piece = this.#ahead.get(this.#next)) !== undefined;) {
      this.#ahead.delete(this.#next)
      this.#aheadBytes -= piece.length
      this.#hash?.update(piece)
      this.#next += piece.length
    }
  }

  /** The bytes do not pass in the file's order, or not all of them here. */
  disorder(): void {
    this.#hash = undefined
    this.#piece = undefined
    this.#ahead.clear()
    this.#aheadBytes = 0
  }

  /** The file ends at this offset, as far as is known: the least that was told. */
  endsAt(offset: number): void {
    this.#endAt = Math.min(offset, this.#endAt ?? Infinity)
  }

  /** The file was cut, or filled up, to this size. */
  setTo(sizeBytes: number): void {
    if (sizeBytes < this.#next) this.#hasFailed = true
    this.#endAt = sizeBytes
  }

  /** A piece was not written, or not read. */
  failed(): void {
    this.#hasFailed = true
  }

  /** @param isClosed without an error, as far as the protocol tells */
  passage(id: OperationId, path: string, isClosed: boolean): Passage {
    const isInOrder = this.#hash !== undefined && this.#ahead.size === 0
    const isAll = this.#endAt !== undefined && this.#next >= this.#endAt
    const passage = {
      kind: 'transfer' as const,
      id,
      direction: this.direction,
      path,
      sizeBytes: this.#sizeBytes,
      isWhole: isInOrder && isAll && isClosed && !this.#hasFailed,
    }
    return isInOrder ? { ...passage, sha256: this.#hash!.digest('hex') } : passage
  }
}
