/** The time, passed in so that tests can set it. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number
  /**
   * Milliseconds since some moment, the same for this whole process: for how long something takes, waits or holds. It never steps,
   * as `now` does when somebody sets the time.
   */
  elapsed(): number
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
