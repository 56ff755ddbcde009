/**
 * What becomes of the fields of one row, until the row is written. hot path: the same object serves row after row, so that a masked
 * row makes no buffers but those of its new values.
 */
export class Changes {
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #next: (Buffer | null)[] = []
  readonly #hasLength: boolean
  #count = 0
  #growth = 0

  /** @param hasLength whether fields begin with their length, four bytes of a signed number, -1 for NULL */
  constructor(hasLength: boolean) {
    this.#hasLength = hasLength
  }

  get count(): number {
    return this.#count
  }

  /** How many bytes longer than it was the row will be. */
  get growth(): number {
    return this.#growth
  }

  /** In the order of the fields. @param from where the field begins, with its length; null: NULL, which has no bytes */
  replace(from: number, to: number, next: Buffer | null): void {
    this.#from[this.#count] = from
    this.#to[this.#count] = to
    this.#next[this.#count++] = next
    this.#growth += (next?.length ?? 0) + (this.#hasLength ? lengthBytes : 0) - (to - from)
  }

  /** Writes `bytes[from, to)` with all changes to `room` at `at`, and forgets them. */
  write(bytes: Buffer, from: number, to: number, room: Buffer, at: number): void {
    let kept = from
    let end = at
    for (let i = 0; i < this.#count; i++) {
      end = copy(bytes, kept, this.#from[i]!, room, end)
      const next = this.#next[i]!
      if (this.#hasLength) end = room.writeInt32BE(next === null ? -1 : next.length, end)
      if (next !== null) end = copy(next, 0, next.length, room, end)
      kept = this.#to[i]!
    }
    copy(bytes, kept, to, room, end)
    this.clear()
  }

  clear(): void {
    this.#count = 0
    this.#growth = 0
  }
}

const lengthBytes = 4
/** Up to here a loop is faster than a call. */
const loopBytes = 24

/** @returns the offset behind what was written */
function copy(bytes: Buffer, from: number, to: number, room: Buffer, at: number): number {
  if (to - from > loopBytes) return at + bytes.copy(room, at, from, to)
  for (let i = from; i < to; i++) room[at++] = bytes[i]!
  return at
}
