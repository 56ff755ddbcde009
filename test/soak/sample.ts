/** What was seen at one moment. Sizes in bytes. */
export interface Sample {
  /** Since the start of the run. */
  readonly atMs: number
  readonly gateway: {
    readonly rss: number
    readonly heap: number
    readonly descriptors: number
    readonly connections: number
    readonly sessions: number
    readonly streams: number
    readonly reviewsWaiting: number
    /** Since the sample before: 99 of 100 timers were no later than this, or a little less. */
    readonly loopDelayMs: number
    /** Processor time of all threads, in shares of one core, since the sample before. */
    readonly cpu: number
    readonly operationsPerSecond: number
    readonly journal: number
  }
  /** The agent that is never restarted. */
  readonly agent: { readonly rss: number; readonly descriptors: number }
  /** What wants to run on this machine, whoever's it is: over a minute, for each processor. */
  readonly machineLoad: number
  /** Connections to the target under the account of the resource. */
  readonly backends: number
  readonly recordings: number
  readonly store: number
  /** Of clients, so far. */
  readonly visits: number
  readonly unexpected: number
}
