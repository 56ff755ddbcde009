import type { Clock } from '../clock.ts'

/** A clock that stands still until told. */
export class FakeClock implements Clock {
  #now: number
  #elapsed = 0

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  elapsed(): number {
    return this.#elapsed
  }

  advance(byMs: number): void {
    this.#now += byMs
    this.#elapsed += byMs
  }

  /** Somebody sets the time: nothing has elapsed. */
  set(byMs: number): void {
    this.#now += byMs
  }
}
