/**
 * Values by key, bounded in number and in weight; what was not asked for longest leaves first, give or take. There are two generations
 * of half the bounds each: when the young one is full, the old one is forgotten and it takes its place. What is asked for in the old
 * one is young again.
 *
 * hot path: what was asked for lately is one look-up, and nothing moves. A Map from which entries are taken and put back is laid anew
 * again and again, and V8 has each layout refer to the next: one that outlived two young collections keeps all that follow it, with
 * what they held, until everything is collected.
 */
export class RecentCache<Key, Value> {
  readonly #maxEntries: number
  readonly #maxWeight: number
  #young = new Map<Key, Entry<Value>>()
  #old = new Map<Key, Entry<Value>>()
  #youngWeight = 0

  /**
   * @param maxEntries at least two
   * @param maxWeight of all values together, in whatever unit {@link set} is told
   */
  constructor(maxEntries: number, maxWeight = Infinity) {
    this.#maxEntries = maxEntries
    this.#maxWeight = maxWeight
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young.value
    const old = this.#old.get(key)
    if (old === undefined) return undefined
    this.#add(key, old)
    return old.value
  }

  /** One that is heavier than a quarter of the whole is not kept. */
  set(key: Key, value: Value, weight = 1): void {
    this.delete(key)
    if (weight <= this.#maxWeight / 4) this.#add(key, { value, weight })
  }

  delete(key: Key): void {
    this.#youngWeight -= this.#young.get(key)?.weight ?? 0
    this.#young.delete(key)
    this.#old.delete(key)
  }

  #add(key: Key, entry: Entry<Value>): void {
    if (
      2 * (this.#young.size + 1) > this.#maxEntries ||
      2 * (this.#youngWeight + entry.weight) > this.#maxWeight
    ) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, entry)
    this.#youngWeight += entry.weight
  }
}

interface Entry<Value> {
  readonly value: Value
  readonly weight: number
}
