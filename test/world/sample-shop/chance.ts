/** Chance that falls the same way for the same seed. */
export interface Chance {
  /** A whole number from 0 up to below `end`. */
  below(end: number): number
  pick<T>(from: readonly T[]): T
  digits(count: number): string
}

/** Mulberry32. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number): number => Math.floor(next() * end)
  return {
    below,
    pick: (from) => from[below(from.length)]!,
    digits: (count) => Array.from({ length: count }, () => below(10)).join(''),
  }
}
