/** Where a generator gets its choices from: a seeded stream, or the bytes of an input. */
export interface Choices {
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number
}

export function pick<T>(choices: Choices, from: readonly T[]): T {
  return from[choices.below(from.length)]!
}

/** True once in so many times. */
export function once(choices: Choices, inSoMany: number): boolean {
  return choices.below(inSoMany) === 0
}

/** The same numbers for the same seed, on every machine: sfc32. */
export class Random implements Choices {
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = (seed * 0x9e3779b1) | 0
    this.#c = 0x6a09e667
    for (let i = 0; i < 12; i++) this.uint32()
  }

  /** A stream that depends on every byte of an input (FNV-1a): what is random about it is then the same in each run. */
  static of(input: Buffer): Random {
    let hash = 0x811c9dc5
    for (let i = 0; i < input.length; i++) hash = Math.imul(hash ^ input[i]!, 0x01000193)
    return new Random(hash)
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#count++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  below(limit: number): number {
    return limit <= 1 ? 0 : this.uint32() % limit
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    for (let i = 0; i < length; i++) bytes[i] = this.uint32()
    return bytes
  }
}

/** Choices read from an input, so that a change of its bytes changes what is made of it. At its end all choices are the first. */
export class Tape implements Choices {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  below(limit: number): number {
    if (limit <= 1) return 0
    let value = 0
    for (let room = limit - 1; room > 0; room >>>= 8) value = (value << 8) | (this.#bytes[this.#at++] ?? 0)
    return (value >>> 0) % limit
  }
}
