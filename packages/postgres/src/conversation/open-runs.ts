import type { Run } from '../operations.ts'

/**
 * Runs that began and are not over, by place: each knows its own, and the last one takes the place of one that is over.
 * hot path: a run comes and goes without anything laid anew, as a Set would be.
 */
export class OpenRuns {
  readonly #runs: Run[] = []

  add(run: Run): void {
    run.place = this.#runs.push(run) - 1
  }

  remove(run: Run): void {
    if (this.#runs[run.place] !== run) return
    const last = this.#runs.pop()!
    if (last === run) return
    this.#runs[run.place] = last
    last.place = run.place
  }

  /** In the order in which they were permitted. */
  all(): readonly Run[] {
    return this.#runs.toSorted((one, other) => one.permit.id - other.permit.id)
  }
}
