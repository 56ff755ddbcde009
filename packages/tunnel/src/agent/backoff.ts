/**
 * How long to wait before the next try: full jitter between half a second and a quarter of the time that the gateway is away, 1 s at
 * least and 30 s at most. A thousand agents of a gateway that restarted do not come back at once, the tries of one grow rarer as the
 * time grows long, and a short absence is not made a long one.
 * @param awayMs since the gateway was last reached, or the first try
 * @param random 0 to 1.
 */
export function retryDelayMs(awayMs: number, random: () => number): number {
  const bound = Math.min(maxMs, Math.max(2 * minMs, awayMs / 4))
  return minMs + random() * (bound - minMs)
}

const minMs = 500
const maxMs = 30_000
