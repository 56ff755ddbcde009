import type { Masking } from '@sallyport/core'
import type { CatalogLimits } from './limits.ts'
import { emptyListing, listAll, listChanges, type Listed, type Listing, type Row } from './listing.ts'
import { allDefinitions, allViews, madeObjects, madeSince, shippedObjects } from './questions.ts'

/** Runs one statement over a side connection under the session's account; every value as text. */
export type CatalogQuery = (sql: string) => Promise<readonly Row[]>

/** What the catalogue said, before tags are worked out. Immutable. */
export interface Content {
  /** What people made. */
  readonly made: Listing
  /** What PostgreSQL ships. */
  readonly shipped: Listing
  /** By view OID; `null` where the server did not give it. Empty where nothing is masked. */
  readonly definitions: ReadonlyMap<number, string | null>
}

/**
 * Reads a catalogue: the whole of it once in a while, and between times what was written since the last reading. A change that
 * cannot be told so is found by reading all that people made, and what was overlooked after all by the next whole reading.
 */
export class ContentReader {
  readonly #query: CatalogQuery
  readonly #masking: Masking
  readonly #limits: CatalogLimits
  #content: Content = { made: emptyListing, shipped: emptyListing, definitions: new Map() }
  /** When the last reading of the whole began. */
  #wholeAtMs = Number.NEGATIVE_INFINITY

  constructor(query: CatalogQuery, masking: Masking, limits: CatalogLimits) {
    this.#query = query
    this.#masking = masking
    this.#limits = limits
  }

  get content(): Content {
    return this.#content
  }

  /** @returns whether the content is another now. @throws where the server does not answer, or more than can be held */
  async read(nowMs: number): Promise<boolean> {
    const before = this.#content
    const isWhole = nowMs - this.#wholeAtMs > this.#limits.maxAgeMs
    const shipped = isWhole
      ? listAll(await this.#query(shippedObjects), before.shipped, this.#limits)
      : { listing: before.shipped, change: 'nothing' as const }
    const made = (isWhole ? undefined : await this.#changes(before.made)) ?? (await this.#all(before.made))
    const mayKeep = !isWhole && made.change !== 'more' && !hasGaps(before.definitions)
    const definitions = mayKeep ? before.definitions : await this.#definitions(before.definitions)
    this.#content = { made: made.listing, shipped: shipped.listing, definitions }
    if (isWhole) this.#wholeAtMs = nowMs
    return made.change !== 'nothing' || shipped.change !== 'nothing' || definitions !== before.definitions
  }

  async #changes(before: Listing): Promise<Listed | undefined> {
    return listChanges(await this.#query(madeSince(before.horizon)), before, this.#limits)
  }

  async #all(before: Listing): Promise<Listed> {
    return listAll(await this.#query(madeObjects), before, this.#limits)
  }

  async #definitions(before: Content['definitions']): Promise<Content['definitions']> {
    if (this.#masking.columns.length === 0) return before
    const now = await readDefinitions(this.#query, this.#limits)
    const isSame = now.size === before.size && [...now].every(([oid, text]) => before.get(oid) === text)
    return isSame ? before : now
  }
}

/** Views that could not be read, which may be for a moment. */
function hasGaps(definitions: Content['definitions']): boolean {
  for (const definition of definitions.values()) if (definition === null) return true
  return false
}

async function readDefinitions(
  query: CatalogQuery,
  limits: CatalogLimits,
): Promise<Map<number, string | null>> {
  let rows
  try {
    rows = await query(allDefinitions)
  } catch {
    // most likely a lock that another session, or this session's own transaction, holds: views are then untraceable
    rows = await query(allViews)
  }
  const definitions = new Map<number, string | null>()
  let length = 0
  for (const [oid, definition] of rows) {
    length += definition?.length ?? 0
    definitions.set(Number(oid), length > limits.maxDefinitionLength ? null : (definition ?? null))
  }
  return definitions
}
