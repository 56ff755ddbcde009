export interface CatalogLimits {
  /** A snapshot older than this is read anew before it is used. */
  readonly maxAgeMs: number
  /** More relations than this: the catalogue cannot be held. */
  readonly maxRelations: number
  readonly maxColumns: number
  /** All view definitions together, in UTF-16 units. */
  readonly maxDefinitionLength: number
}

export const catalogLimits: CatalogLimits = {
  maxAgeMs: 60_000,
  maxRelations: 50_000,
  maxColumns: 1_000_000,
  maxDefinitionLength: 32 * 1024 * 1024,
}
