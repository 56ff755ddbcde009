import type { Authenticated } from './authenticator.ts'

/** Tokens that were found good a moment ago, by hash. Bounded: the one that was put in first goes first. */
export class KnownTokens {
  readonly #maxTokens: number
  readonly #byHash = new Map<string, Authenticated>()

  constructor(maxTokens: number) {
    this.#maxTokens = maxTokens
  }

  get(hash: string): Authenticated | undefined {
    return this.#byHash.get(hash)
  }

  add(hash: string, who: Authenticated): void {
    this.#byHash.delete(hash)
    this.#byHash.set(hash, who)
    for (const oldest of this.#byHash.keys()) {
      if (this.#byHash.size <= this.#maxTokens) break
      this.#byHash.delete(oldest)
    }
  }

  forget(which: (who: Authenticated) => boolean): void {
    for (const [hash, who] of this.#byHash) if (which(who)) this.#byHash.delete(hash)
  }
}
