/**
 * How long to wait before try number `tries` (0 for the first again): full jitter between half a second and a bound that doubles up
 * to 30 s, so that a thousand agents of a gateway that restarted do not come back at once.
 * @param random 0 to 1.
 */
export function retryDelayMs(tries: number, random: () => number): number {
  const bound = Math.min(maxMs, minMs * 2 ** Math.min(tries + 1, 30))
  return minMs + random() * (bound - minMs)
}

const minMs = 500
const maxMs = 30_000
