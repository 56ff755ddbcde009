import type { StoreChange } from './changes.ts'

export type OnCommit = (changes: readonly StoreChange[]) => void

/** Who wants to know of committed changes. */
export class Subscribers {
  readonly #listeners = new Set<OnCommit>()

  add(listener: OnCommit): Disposable {
    const own: OnCommit = (changes) => listener(changes)
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }

  /** Tells everybody, whoever throws: one that fails must not keep a revocation from the next. @throws what the first threw */
  tell(changes: readonly StoreChange[]): void {
    const thrown: unknown[] = []
    for (const listener of this.#listeners) {
      try {
        listener(changes)
      } catch (error) {
        thrown.push(error)
      }
    }
    if (thrown.length > 0) throw thrown[0]
  }
}
