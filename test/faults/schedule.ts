import type { Fault } from './fault.ts'
import { kills, others } from './kinds/index.ts'
import type { FaultOptions } from './options.ts'

export interface Point {
  readonly fault: Fault
  readonly seed: number
}

/** What is broken, in order: the kills in turn, then each other fault. A point's seed says all that is random about it. */
export function schedule({ points, seed, only }: Pick<FaultOptions, 'points' | 'seed' | 'only'>): Point[] {
  const killed = kills.filter(({ name }) => only.test(name))
  const broken = others.filter(({ name }) => only.test(name))
  const drawn = killed.length === 0 ? 0 : points
  return [
    ...Array.from({ length: drawn }, (_, i) => ({ fault: killed[i % killed.length]!, seed: seed + i })),
    ...broken.map((fault, i) => ({ fault, seed: seed + drawn + i })),
  ]
}
