import type { DecisionPoint } from '@sallyport/policy'

/** The policies in force: replaced whole, while sessions live. Whoever judges asks for {@link point} each time. */
export class CurrentPolicy {
  #point: DecisionPoint
  readonly #listeners = new Set<() => void>()

  constructor(point: DecisionPoint) {
    this.#point = point
  }

  get point(): DecisionPoint {
    return this.#point
  }

  /** From here on everything is judged by `point`: when this returns, live sessions have been judged again by it. */
  replace(point: DecisionPoint): void {
    this.#point = point
    for (const listener of this.#listeners) listener()
  }

  onReplaced(listener: () => void): Disposable {
    const own = (): void => listener()
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }
}
