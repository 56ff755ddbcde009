/** After so many attempts nobody tries any more unless told to: 2 to 5 hours after the first. */
export const maxAttempts = 14

/**
 * How long to wait after an attempt that failed: twice as long each time, from 5 s to an hour, of that between half and all, so that
 * those who failed together do not come back together.
 * @param attempts that have failed, from 1
 * @param random from 0 to 1
 * @param askedMs what the receiver asked for; heard up to an hour
 */
export function waitMs(attempts: number, random: number, askedMs = 0): number {
  const most = Math.min(longestMs, firstMs * 2 ** (attempts - 1))
  return Math.round(Math.max(most * (0.5 + random / 2), Math.min(askedMs, longestMs)))
}

const firstMs = 5_000
const longestMs = 3_600_000
