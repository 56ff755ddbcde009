/**
 * Names under which the Cedar engine keeps what it has prepared. The engine can replace but never drop, so the names
 * are few and reused: whoever has not asked for the longest loses its own, and prepares again when it next asks.
 */
export class Slots {
  readonly #names: string[]
  /** The one that asked least recently is first. */
  readonly #held = new Map<object, string>()

  constructor(count: number) {
    this.#names = Array.from({ length: count }, (_, i) => `slot-${i}`)
  }

  /** The name under which `owner`'s is kept. @throws whatever `prepare` throws; the slot is then free. */
  claim(owner: object, prepare: (name: string) => void): string {
    const held = this.#held.get(owner)
    if (held !== undefined) {
      this.#held.delete(owner)
      this.#held.set(owner, held)
      return held
    }
    const name = this.#names.pop() ?? this.#evict()
    try {
      prepare(name)
    } catch (error) {
      this.#names.push(name)
      throw error
    }
    this.#held.set(owner, name)
    return name
  }

  #evict(): string {
    for (const [owner, name] of this.#held) {
      this.#held.delete(owner)
      return name
    }
    throw new RangeError('there are no slots')
  }
}
