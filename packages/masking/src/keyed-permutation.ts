import { createCipheriv } from 'node:crypto'
import { keyedHash } from './keyed-hash.ts'

/** Of a Feistel network with functions drawn by chance, as many as NIST SP 800-38G takes. */
const rounds = 10
const maxHalfBits = 16

/**
 * Whole numbers from 0 to `size - 1` in an order that only the key tells: different numbers stay different, so that what was equal is
 * equal afterwards, and nothing else is. For sizes of 2^32 at most, where a hash into the same range would let numbers fall together.
 *
 * A balanced Feistel network whose round functions are tables of numbers drawn by the key; what comes out beyond the size goes in again.
 * hot path: no cipher is asked for a number, only for the tables: 1.3 MB for the largest size, once a key.
 */
export class KeyedPermutation {
  readonly #halfBits: number
  readonly #tables: Uint16Array
  readonly #size: number

  constructor(key: Uint8Array, size: number) {
    if (size < 1 || size > 2 ** (2 * maxHalfBits)) throw new RangeError(`no permutation of ${size} numbers`)
    this.#size = size
    this.#halfBits = Math.max(1, Math.ceil(Math.log2(size) / 2))
    this.#tables = tablesOf(key, this.#halfBits)
  }

  of(number: number): number {
    let at = this.#round(number)
    while (at >= this.#size) at = this.#round(at)
    return at
  }

  #round(number: number): number {
    const bits = this.#halfBits
    const half = 2 ** bits
    let left = Math.floor(number / half)
    let right = number % half
    for (let table = 0; table < rounds * half; table += half) {
      const mixed = left ^ this.#tables[table + right]!
      left = right
      right = mixed
    }
    return left * half + right
  }
}

/** By key: whoever has the key has the tables. */
const known = new WeakMap<Uint8Array, (Uint16Array | undefined)[]>()

function tablesOf(key: Uint8Array, halfBits: number): Uint16Array {
  const ofKey = known.get(key) ?? []
  known.set(key, ofKey)
  return (ofKey[halfBits] ??= drawn(key, halfBits))
}

function drawn(key: Uint8Array, halfBits: number): Uint16Array {
  const half = 2 ** halfBits
  const cipherKey = keyedHash(key, `permutation\0${halfBits}`)
  const bytes = createCipheriv('aes-256-ctr', cipherKey, Buffer.alloc(16)).update(
    Buffer.alloc(2 * rounds * half),
  )
  return Uint16Array.from({ length: rounds * half }, (_, i) => bytes.readUInt16LE(2 * i) % half)
}
