/** Told how the log keeps up with what is appended. hot path: what it does is quick, and does not throw. */
export interface RecorderMeter {
  /** A batch of events is in the kernel, `waitedMs` after the first of them was appended. */
  written(waitedMs: number, sizeBytes: number): void
  /** All events up to some batch are on the disk, `waitedMs` after the first that was not was appended. */
  synced(waitedMs: number): void
}

export const noMeter: RecorderMeter = { written: () => {}, synced: () => {} }
