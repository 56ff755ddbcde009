import type { Clock } from '@sallyport/core'
import type { DecisionPoint } from '@sallyport/policy'

/**
 * The policies in force: replaced whole, while sessions live, as their hours begin and end, and as sign-ins grow old. Whoever judges asks for {@link point}
 * each time.
 */
export class CurrentPolicy implements Disposable {
  readonly #clock: Clock
  #point: DecisionPoint
  #atMs = 0
  readonly #listeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined

  constructor(point: DecisionPoint, clock: Clock) {
    this.#clock = clock
    this.#point = this.#stand(point, clock.now())
    this.#wait()
  }

  /** hot path: the clock is asked only where sign-ins may lapse, and looked at once a {@link ageMs}. */
  get point(): DecisionPoint {
    if (!this.#point.judgesAges) return this.#point
    const now = this.#clock.now()
    if (now >= this.#atMs && now - this.#atMs < ageMs) return this.#point
    return this.#stand(this.#point, now)
  }

  /** From here on everything is judged by `point`: when this returns, live sessions have been judged again by it. */
  replace(point: DecisionPoint): void {
    this.#use(point)
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
    this.#stand(point, this.#clock.now())
    for (const listener of this.#listeners) listener()
  }

  #stand(point: DecisionPoint, now: number): DecisionPoint {
    this.#atMs = now
    return (this.#point = point.at(now))
  }

  /** Hours begin and end with a minute, in every zone; looking at each one also follows clocks that were set. */
  #wait(): void {
    this.#timer = setTimeout(() => this.#minute(), minuteMs - (this.#clock.now() % minuteMs)).unref()
  }

  #minute(): void {
    this.#wait()
    const point = this.#point.at(this.#clock.now())
    if (point !== this.#point || point.judgesAges) this.#use(point)
  }
}

const minuteMs = 60_000
/** A sign-in that has grown too old is answered so much later at most. */
const ageMs = 1000
