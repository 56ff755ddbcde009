import type { Writable } from 'node:stream'

/** Parts are joined up to this size: a copy costs less than a further piece of a write. */
const joinBelowBytes = 8 * 1024

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
  #isMidFrame = false
  /** Bytes of our own that came while a frame was under way. */
  readonly #behind: Buffer[] = []
  #room: Buffer = noRoom
  /** What of the room is claimed, and not yet among the parts. */
  #roomFrom = 0
  #roomTo = 0
  /** What the room's end is a copy of, and how much further behind its bytes are there. */
  #copied: Buffer | undefined
  #shift = 0

  /** Passes on `chunk[from, to)` as it came. */
  pass(chunk: Buffer, from: number, to: number): void {
    if (chunk === this.#chunk && from === this.#to) {
      this.#to = to
      return
    }
    this.#closeRange()
    this.#closeRoom()
    this.#chunk = chunk
    this.#from = from
    this.#to = to
  }

  /** Part of a frame was passed. What is put from now on follows its rest. */
  frameBegun(): void {
    this.#isMidFrame = true
  }

  /** The rest of it was passed. */
  frameEnded(): void {
    this.#isMidFrame = false
    for (const bytes of this.#behind.splice(0)) this.put(bytes)
  }

  /** Adds bytes of our own, after all that was passed so far, and behind a frame that is under way. */
  put(bytes: Buffer): void {
    if (this.#isMidFrame) return void this.#behind.push(bytes)
    this.#closeRange()
    this.#closeRoom()
    this.#parts.push(bytes)
  }

  /**
   * Adds `size` bytes of our own, which the caller writes at once into {@link room}, from the offset that is returned. Only between
   * frames. They are made of what `chunk` has from `from` on: that is in the room as well, {@link shift} further behind, and stays
   * there until the next claim.
   * hot path: what is claimed one after the other leaves as one slice, and a chunk is copied once for all that is made of it.
   */
  claim(size: number, chunk: Buffer, from: number): number {
    this.#closeRange()
    if (chunk !== this.#copied || this.#roomTo + size > from + this.#shift) this.#makeRoom(size, chunk, from)
    const at = this.#roomTo
    this.#roomTo += size
    return at
  }

  /** What is made may be longer than what it is made of: then the room ends early, and the rest of the chunk is copied anew. */
  #makeRoom(size: number, chunk: Buffer, from: number): void {
    this.#closeRoom()
    const rest = chunk.length - from
    this.#room = Buffer.allocUnsafeSlow(size + Math.ceil(rest / 4) + rest)
    this.#roomFrom = this.#roomTo = 0
    this.#copied = chunk
    this.#shift = this.#room.length - chunk.length
    chunk.copy(this.#room, from + this.#shift, from)
  }

  /** Where claimed bytes are written. */
  get room(): Buffer {
    return this.#room
  }

  /** What is at an offset of the chunk that was claimed for last is so much further behind in {@link room}. May be negative. */
  get shift(): number {
    return this.#shift
  }

  /** All that has left so far. */
  get flushedBytes(): number {
    return this.#flushedBytes
  }

  /** Nothing can leave now. */
  get isEmpty(): boolean {
    return this.#chunk === undefined && this.#parts.length === 0 && this.#roomFrom === this.#roomTo
  }

  /** Writes all of it. @returns what `write` says: false asks the source to pause. */
  flush(to: Writable): boolean {
    this.#close()
    const parts = this.#parts
    if (parts.length === 0) return true
    this.#parts = []
    if (parts.length === 1) return this.#write(to, parts[0]!)
    to.cork()
    let goesOn = true
    for (let i = 0; i < parts.length;) {
      const first = i
      let size = parts[i++]!.length
      while (i < parts.length && size + parts[i]!.length <= joinBelowBytes) size += parts[i++]!.length
      goesOn = this.#write(to, i - first === 1 ? parts[first]! : Buffer.concat(parts.slice(first, i), size))
    }
    // One system call takes all of it.
    to.uncork()
    return goesOn
  }

  #write(to: Writable, bytes: Buffer): boolean {
    this.#flushedBytes += bytes.length
    return to.write(bytes)
  }

  /** All of it as one buffer, for tests and for last words. */
  take(): Buffer {
    this.#close()
    const parts = this.#parts
    this.#parts = []
    return Buffer.concat(parts)
  }

  #close(): void {
    this.#closeRange()
    this.#closeRoom()
    // A session that is idle keeps none.
    this.#room = noRoom
    this.#copied = undefined
    this.#roomFrom = this.#roomTo = 0
  }

  #closeRoom(): void {
    if (this.#roomTo > this.#roomFrom) this.#parts.push(this.#room.subarray(this.#roomFrom, this.#roomTo))
    this.#roomFrom = this.#roomTo
  }

  #closeRange(): void {
    if (this.#chunk === undefined) return
    if (this.#to > this.#from) this.#parts.push(this.#chunk.subarray(this.#from, this.#to))
    this.#chunk = undefined
  }
}

const noRoom = Buffer.alloc(0)
