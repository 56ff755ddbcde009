import type { Clock } from '@sallyport/core'
import type { DecisionPoint } from '@sallyport/policy'

/**
 * The policies in force: replaced whole, while sessions live, and as their hours begin and end. Whoever judges asks for {@link point}
 * each time.
 */
export class CurrentPolicy implements Disposable {
  readonly #clock: Clock
  #point: DecisionPoint
  readonly #listeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(point: DecisionPoint, clock: Clock) {
    this.#clock = clock
    this.#point = point.at(clock.now())
    this.#wait()
  }

  get point(): DecisionPoint {
    return this.#point
  }

  /** From here on everything is judged by `point`: when this returns, live sessions have been judged again by it. */
  replace(point: DecisionPoint): void {
    this.#use(point.at(this.#clock.now()))
  }

  onReplaced(listener: () => void): Disposable {
    const own = (): void => listener()
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }

  #use(point: DecisionPoint): void {
    this.#point = point
    for (const listener of this.#listeners) listener()
  }

  /** Hours begin and end with a minute, in every zone; looking at each one also follows clocks that were set. */
  #wait(): void {
    this.#timer = setTimeout(() => this.#minute(), minuteMs - (this.#clock.now() % minuteMs)).unref()
  }

  #minute(): void {
    this.#wait()
    const point = this.#point.at(this.#clock.now())
    if (point !== this.#point) this.#use(point)
  }
}

const minuteMs = 60_000
