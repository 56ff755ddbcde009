/**
 * Who tries: `analyst` may do everything but see what is masked; `reader` may read, in read-only transactions; `guarded` may read, write
 * and call, within the presets that forbid.
 */
export type Who = 'analyst' | 'reader' | 'guarded'

/**
 * - `refused` Sallyport says no
 * - `masked` rows come, and nothing raw in them
 * - `hidden` either
 * - `passes` it does what it does on the server
 * - `fails …` the server says no, by this SQLSTATE
 */
export type Must = 'refused' | 'masked' | 'hidden' | 'passes' | `fails ${string}`

export interface Attempt {
  readonly who: Who
  readonly must: Must
  readonly name: string
  readonly sql: string
}

export interface Group {
  readonly by: string
  readonly attempts: readonly Attempt[]
}

/** A paragraph of a table: what these have in common, then each by its name. */
export function attempts(who: Who, must: Must, named: Readonly<Record<string, string>>): Attempt[] {
  return Object.entries(named).map(([name, sql]) => ({ who, must, name, sql }))
}
