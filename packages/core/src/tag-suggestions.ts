import type { Session } from './session.ts'

/** What of a target is looked at, to propose tags for its columns. */
export interface SampleRequest {
  /** The resource's default where absent. */
  readonly database?: string
  /** All that people made where absent. */
  readonly schema?: string
  /** Rows of each table. */
  readonly rows: number
}

/** A tag that a column may deserve, and why. Never a value. */
export interface TagSuggestion {
  /** `schema.table.column`. */
  readonly column: string
  readonly tag: string
  /** Values that were looked at: NULL is none. */
  readonly values: number
  /** In how many of them a detector found something. */
  readonly found: number
  /** Whether the column is called so. */
  readonly byName: boolean
}

export interface TagSuggestions {
  readonly suggestions: readonly TagSuggestion[]
  /** How many tables were looked at. */
  readonly tables: number
  /** Those that could not be read, or for which no time was left. */
  readonly leftOut: readonly string[]
}

/** A target that the gateway reaches on its own behalf, under one account. */
export type OwnTarget<Options = unknown> = Pick<
  Session<Options>,
  'resource' | 'account' | 'dial' | 'credential'
>
