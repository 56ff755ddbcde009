import type { Ground } from '../ground.ts'

/** One kind of client: it comes, does something, checks what it was told, and leaves. */
export interface Visit {
  readonly name: string
  /** How often one comes, on average. */
  readonly everyMs: number
  /** Further ones stay away while so many are there. */
  readonly atOnce: number
  /** What it needs of this machine beside Node.js. */
  readonly needs?: 'psql' | 'pgbench'
  /** Others wait for what it does: it comes until the last of them has left. */
  readonly staysToTheEnd?: boolean
  /** @throws Error where what it was told is not what it should be */
  run(visitor: Visitor): Promise<void>
}

/** What a visit has in hand. */
export interface Visitor {
  readonly ground: Ground
  readonly random: () => number
  /** Aborts when the load is to end: who only waits leaves. */
  readonly signal: AbortSignal
  /** Rows that a server said it has, for the sum at the end. */
  readonly acknowledged: (rows: number) => void
}

export function pick<T>(random: () => number, from: readonly [T, ...T[]]): T {
  return from[Math.floor(random() * from.length)] ?? from[0]
}

/** @throws Error that says what was expected */
export function expectThat(isSo: boolean, words: string, got?: unknown): void {
  if (!isSo) throw new Error(`${words}${got === undefined ? '' : `, got ${JSON.stringify(got)}`}`)
}
