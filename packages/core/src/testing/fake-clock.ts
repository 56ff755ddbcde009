import type { Clock } from '../clock.ts'

/** A clock that stands still until told. */
export class FakeClock implements Clock {
  #now: number

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  advance(byMs: number): void {
    this.#now += byMs
  }
}
