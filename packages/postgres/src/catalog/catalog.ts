import { asFault, Fault, type CacheUse, type Clock, type Facts, type Masking } from '@sallyport/core'
import { ContentReader, type CatalogQuery } from './content.ts'
import { catalogLimits, type CatalogLimits } from './limits.ts'
import { TagMemory } from './tag-memory.ts'
import { SnapshotBuilder, emptySnapshot } from './build.ts'
import { relationVersion } from './relation-version.ts'
import type { Mark, Snapshot } from './snapshot.ts'
import type { ViewTracer } from './view-tracer.ts'

/**
 * What one database holds and which of its columns are sensitive, read over a side connection so that the client's
 * transaction is never touched. Tags are resolved from names to (relation OID, attribute number) and stay there:
 * renaming a column does not untag it.
 *
 * Where columns are masked it fails closed: without a snapshot nothing is analysed.
 */
export class Catalog {
  readonly #reader: ContentReader
  readonly #builder: SnapshotBuilder
  readonly #masking: Masking
  readonly #clock: Clock
  readonly #limits: CatalogLimits
  readonly #use: CacheUse
  #snapshot: Snapshot = emptySnapshot
  /** What was read is not in the snapshot yet. */
  #isBehind = true
  /** When the reading of the present snapshot began. */
  #readAtMs = Number.NEGATIVE_INFINITY
  #refreshing: Promise<void> | undefined

  constructor(input: {
    readonly query: CatalogQuery
    readonly masking: Masking
    readonly tracer: ViewTracer
    readonly clock: Clock
    readonly limits?: CatalogLimits
    /** Shared by the sessions of one resource and database, so that tags outlive the session that saw them. */
    readonly memory?: TagMemory
    /** Counts readings that found nothing new, and those that did. */
    readonly use?: CacheUse
  }) {
    const { query, masking, tracer, clock, limits = catalogLimits, memory = new TagMemory() } = input
    this.#reader = new ContentReader(query, masking, limits)
    this.#builder = new SnapshotBuilder(masking, memory, tracer)
    this.#masking = masking
    this.#clock = clock
    this.#limits = limits
    this.#use = input.use ?? { name: 'catalogues', hits: 0, misses: 0 }
  }

  /** Changes when the content does. 0 before the first reading. */
  get version(): number {
    return this.#snapshot.version
  }

  get snapshot(): Snapshot {
    return this.#snapshot
  }

  /** True while the snapshot may be used without asking the server. Hot path. */
  get isFresh(): boolean {
    return this.#clock.elapsed() - this.#readAtMs <= this.#limits.maxAgeMs
  }

  /**
   * The tags of a column as RowDescription names it; attribute 0 is the whole row. `unknown` for a relation or column that
   * the snapshot does not hold: refresh, and ask again; still unknown, treat it as carrying every tag.
   */
  marksOf(relationOid: number, attnum: number): readonly Mark[] | 'unknown' {
    const relation = this.#snapshot.relationByOid(relationOid)
    if (relation === undefined) return 'unknown'
    if (attnum === 0) return relation.tags.map((tag) => ({ tag }))
    if (attnum < 0) return [] // system columns: ctid, xmin…
    return relation.columns.find((column) => column.attnum === attnum)?.marks ?? 'unknown'
  }

  /** What facts name, as the snapshot has it: relations by number and columns, functions by their bodies and by all that they come to. */
  versionsOf({ actions, objects, context }: Facts): readonly string[] {
    const snapshot = this.#snapshot
    const relations = objects.map(({ path }) => {
      const [schema = '', name = ''] = path.slice(-2)
      return `${path.join('.')} ${relationVersion(snapshot, schema, name)}`
    })
    const functions = context['functions'] as readonly string[] // as the vocabulary has it
    return [
      ...relations,
      ...functions.map((name) => `${name} ${snapshot.functionVersion(...split(name))}`),
      ...(context['dynamic'] === true ? [snapshot.runnersVersion()] : []),
      ...(actions.includes('call') ? [snapshot.allVersion()] : []),
    ]
  }

  /** Something changed: the next use reads anew. Call after DDL, and again when its transaction ends. */
  invalidate(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY
  }

  /**
   * Reads the catalogue; callers at the same time share one reading.
   * @throws Fault where masking has columns and the catalogue cannot be read. Where it has none, the last snapshot stays.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #read(): Promise<void> {
    const startedMs = this.#clock.elapsed()
    this.#readAtMs = startedMs // an invalidate() from here on counts
    try {
      if (await this.#reader.read(startedMs)) this.#isBehind = true
      if (this.#isBehind) {
        this.#use.misses++
        this.#snapshot = await this.#builder.build(this.#reader.content, this.version + 1)
        this.#isBehind = false
      } else this.#use.hits++
    } catch (thrown) {
      if (this.#masking.columns.length === 0) return
      this.invalidate()
      if (thrown instanceof Fault) throw thrown
      throw new Fault(
        'target/malformed',
        "the database's catalogue could not be read, and masking needs it",
        {
          cause: asFault(thrown),
        },
      )
    }
  }
}

/** `app.f` */
function split(name: string): [schema: string, name: string] {
  const dot = name.indexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}
