import type { Outbox } from '@sallyport/wire'

/**
 * What becomes of the fields of one row, until the row is written. hot path: the same object serves row after row, so that a masked
 * row makes no buffers but those of its new values, and none where new values are always the same or end as the old ones did.
 */
export class Changes {
  readonly #from: number[] = []
  readonly #to: number[] = []
  readonly #next: (Buffer | null)[] = []
  readonly #kept: number[] = []
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

  /**
   * Puts `next` in the place of `[from, to)`. In the order of the fields.
   * @param from where the field begins, with its length; null: NULL, which has no bytes
   * @param kept how many bytes of the field are behind `to`, and stay
   */
  replace(from: number, to: number, next: Buffer | null, kept: number): void {
    this.#from[this.#count] = from
    this.#to[this.#count] = to
    this.#kept[this.#count] = kept
    this.#next[this.#count++] = next
    this.#growth += (next?.length ?? 0) + (this.#hasLength ? lengthBytes : 0) - (to - from)
  }

  /**
   * Adds `bytes[from, to)` with all changes to what leaves, and forgets them.
   * @param size of what is added: what is in front of the row, which the caller writes, and the row
   * @returns where in the room it begins
   */
  write(bytes: Buffer, from: number, to: number, size: number, out: Outbox): number {
    const at = out.claim(size, bytes, from)
    const { room, shift } = out
    let end = at + size - (to - from + this.#growth)
    let kept = from
    for (let i = 0; i < this.#count; i++) {
      end = move(room, kept + shift, this.#from[i]! + shift, end)
      const next = this.#next[i]!
      if (this.#hasLength) end = room.writeInt32BE(next === null ? -1 : next.length + this.#kept[i]!, end)
      if (next !== null) end = copy(next, room, end)
      kept = this.#to[i]!
    }
    move(room, kept + shift, to + shift, end)
    this.clear()
    return at
  }

  clear(): void {
    this.#count = 0
    this.#growth = 0
  }
}

const lengthBytes = 4
/** Up to here a loop is faster than a call. */
const loopBytes = 12

/** Towards the beginning: what is moved is behind where it comes to. @returns the offset behind it */
function move(room: Buffer, from: number, to: number, at: number): number {
  if (to - from > loopBytes) {
    // It makes no object, unlike a copy from another buffer.
    room.copyWithin(at, from, to)
    return at + to - from
  }
  for (let i = from; i < to; i++) room[at++] = room[i]!
  return at
}

/** @returns the offset behind what was written */
function copy(bytes: Buffer, room: Buffer, at: number): number {
  if (bytes.length > loopBytes) return at + bytes.copy(room, at)
  for (let i = 0; i < bytes.length; i++) room[at++] = bytes[i]!
  return at
}
