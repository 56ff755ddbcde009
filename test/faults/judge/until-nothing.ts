import { setTimeout as sleep } from 'node:timers/promises'

/** What ends by itself must have ended by then. */
const patienceMs = 60_000

/** Looks again and again until nothing is found any more, or the time is up. @returns what stays, in words */
export async function untilNothing(look: () => Promise<string[]>): Promise<string[]> {
  const end = performance.now() + patienceMs
  for (;;) {
    const found = await look().catch((thrown: Error) => [`the judge cannot look: ${thrown.message}`])
    if (found.length === 0 || performance.now() > end) return found
    await sleep(100)
  }
}
