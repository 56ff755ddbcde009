import type { Refusal } from '@sallyport/core'

/**
 * The answers that the server still owes, in order: one entry a message that has an answer.
 * A ring that grows, since pipelines are short and sessions long. hot path: no allocation beyond the entries.
 */
export class Expected<Entry extends { readonly kind: string; readonly refusal?: Refusal | undefined }> {
  #ring: (Entry | undefined)[] = Array.from({ length: 16 })
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  get head(): Entry | undefined {
    return this.#size === 0 ? undefined : this.#ring[this.#head]
  }

  push(entry: Entry): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size++) & (this.#ring.length - 1)] = entry
  }

  pop(): Entry | undefined {
    if (this.#size === 0) return undefined
    const entry = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    return entry
  }

  #grow(): void {
    const old = this.#ring
    this.#ring = Array.from({ length: old.length * 2 })
    for (let i = 0; i < this.#size; i++) this.#ring[i] = old[(this.#head + i) & (old.length - 1)]
    this.#head = 0
  }
}
