declare const classified: unique symbol

export type FactValue = boolean | number | string | readonly string[]

/** Something that a statement touches, and how. */
export interface ObjectUse {
  /**
   * Path below the resource, outermost first: `['shop', 'public', 'orders']` for a table, `['shop', 'public']` for a schema.
   * Policies may name any level.
   */
  readonly path: readonly string[]
  readonly actions: readonly string[]
}

/**
 * What a classifier says that one statement does. Only classifiers make them (through {@link factsOf}); a
 * statement's facts cover everything it does, not its first keyword, and what cannot be known is said to be unknown.
 */
export interface Facts {
  readonly [classified]: true
  /** What it does, all told: `read`, `update`, `ddl`… from the protocol's list. Never empty: at least `unparsed`. */
  readonly actions: readonly string[]
  readonly objects: readonly ObjectUse[]
  /**
   * Tags whose clear value the statement uses in a way that masking its output cannot hide: a predicate, an order,
   * a cast that can fail, a copy into another table. Refused where the subject may not unmask them.
   */
  readonly exposes: readonly string[]
  /** Protocol-specific facts that policies may ask for, by the names and types that the protocol declares. */
  readonly context: Readonly<Record<string, FactValue>>
}

export type FactsInput = Omit<Facts, typeof classified>

/** For classifiers alone. */
export function factsOf(input: FactsInput): Facts {
  if (input.actions.length === 0) throw new TypeError('facts need at least one action')
  return Object.freeze({ ...input }) as Facts
}
