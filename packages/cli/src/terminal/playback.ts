import { setTimeout as sleep } from 'node:timers/promises'
import type { Surroundings } from '../surroundings.ts'
import { HarmlessOutput, restored } from './harmless.ts'
import { Keys } from './keys.ts'

export interface PlaybackOptions {
  /** Twice as fast: 2. */
  readonly speed: number
  /** Where nothing happens for longer, it goes on after so long. */
  readonly skipIdleMs: number
  /** What was before is drawn at once. */
  readonly seekMs: number
}

/** One event of an asciicast. */
export interface Played {
  readonly atMs: number
  readonly code: string
  readonly data: string
}

/**
 * Plays a terminal in this one, in the time that it took. Space pauses and q quits where somebody is at the keys.
 * @returns whether it was played to its end
 */
export async function play(
  events: AsyncIterable<Played>,
  { speed, skipIdleMs, seekMs }: PlaybackOptions,
  { input, output }: Pick<Surroundings, 'input' | 'output'>,
): Promise<boolean> {
  await using keys = new Keys(input)
  const harmless = new HarmlessOutput()
  let wasMs = 0
  try {
    for await (const { atMs, code, data } of events) {
      if (code !== 'o') continue
      const waitMs = Math.min(atMs - Math.max(wasMs, seekMs), skipIdleMs) / speed
      wasMs = atMs
      if (atMs > seekMs && waitMs > 0) await keys.orAfter(waitMs)
      await keys.whilePaused()
      if (keys.hasQuit) return false
      if (!output.write(harmless.push(data))) await drained(output, keys.quit)
    }
    return true
  } finally {
    output.write(restored)
  }
}

async function drained(output: Surroundings['output'], quit: AbortSignal): Promise<void> {
  while (output.writableNeedDrain && !quit.aborted) await sleep(5)
}
