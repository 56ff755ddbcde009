/** Every bound of the recorder, in one place; tests lower some of them. */
export interface Limits {
  /** Events of one session are joined up to this size before they are compressed and sealed as one frame. */
  readonly chunkBytes: number
  /** A journal segment that is larger is followed by a new one, and removed once its sessions' files hold its events. */
  readonly segmentBytes: number
  /** More segments than this waiting to be removed mean a disk that does not keep up. */
  readonly maxSegments: number
  /** What is in the kernel begins to be made durable after this long at most. With the sync itself: 50 ms on a sound disk. */
  readonly syncDelayMs: number
  /** A sync that takes longer ends all sessions: what they do can no longer be promised to be on record. */
  readonly syncLimitMs: number
  /** One event, as a line. A larger one is refused; operations are never cut short. */
  readonly maxEventBytes: number
  /** Seals in one file of the seal log. */
  readonly sealsPerFile: number
  /** How long opening waits for a process that is just ending: it was told to, or nobody looks after it any more. */
  readonly lockWaitMs: number
  /** After a failure the log is tried again this often. */
  readonly retryMs: number
}

export const defaultLimits: Limits = {
  chunkBytes: 128 * 1024,
  segmentBytes: 16 * 1024 * 1024,
  maxSegments: 64,
  syncDelayMs: 25,
  syncLimitMs: 5_000,
  maxEventBytes: 128 * 1024 * 1024,
  sealsPerFile: 10_000,
  lockWaitMs: 5_000,
  retryMs: 2_000,
}
