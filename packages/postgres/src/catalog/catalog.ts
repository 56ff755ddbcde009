import { asFault, Fault, type CacheUse, type Clock, type Facts, type Masking } from '@sallyport/core'
import { readContent, readShipped, type CatalogQuery, type Listed } from './content.ts'
import { catalogLimits, type CatalogLimits } from './limits.ts'
import { TagMemory } from './tag-memory.ts'
import { buildSnapshot, emptySnapshot } from './build.ts'
import type { Snapshot } from './snapshot.ts'
import type { ViewTracer } from './view-tracer.ts'

/**
 * What one database holds and which of its columns are sensitive, read over a side connection so that the client's
 * transaction is never touched. Tags are resolved from names to (relation OID, attribute number) and stay there:
 * renaming a column does not untag it.
 *
 * Where columns are masked it fails closed: without a snapshot nothing is analysed.
 */
export class Catalog {
  readonly #query: CatalogQuery
  readonly #masking: Masking
  readonly #tracer: ViewTracer
  readonly #clock: Clock
  readonly #limits: CatalogLimits
  readonly #memory: TagMemory
  readonly #use: CacheUse
  #snapshot: Snapshot = emptySnapshot
  #fingerprint = ''
  #shipped: { readonly listed: Listed; readonly readAtMs: number } | undefined
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
    this.#query = input.query
    this.#masking = input.masking
    this.#tracer = input.tracer
    this.#clock = input.clock
    this.#limits = input.limits ?? catalogLimits
    this.#memory = input.memory ?? new TagMemory()
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
   * Tags of a column as RowDescription names it; attribute 0 is the whole row. `unknown` for a relation or column that
   * the snapshot does not hold: refresh, and ask again; still unknown, treat it as carrying every tag.
   */
  tagsOf(relationOid: number, attnum: number): readonly string[] | 'unknown' {
    const relation = this.#snapshot.relationByOid(relationOid)
    if (relation === undefined) return 'unknown'
    if (attnum === 0) return relation.tags
    if (attnum < 0) return [] // system columns: ctid, xmin…
    return relation.columns.find((column) => column.attnum === attnum)?.tags ?? 'unknown'
  }

  /** What facts name, as the snapshot has it: relations by number and columns, functions by their bodies. */
  versionsOf({ objects, context }: Facts): readonly string[] {
    const snapshot = this.#snapshot
    const relations = objects.map(({ path }) => {
      const [schema = '', name = ''] = path.slice(-2)
      const known = snapshot.relation(schema, name)
      const columns = known?.columns.map((column) => `${column.attnum} ${column.name}`).join(',') ?? ''
      return `${path.join('.')} ${known?.oid ?? ''} ${columns} ${snapshot.definitionOf(known?.oid)}`
    })
    const functions = context['functions'] as readonly string[] // as the vocabulary has it
    return [...relations, ...functions.map((name) => `${name} ${snapshot.functionVersion(...split(name))}`)]
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
      const shipped = await this.#readShipped(startedMs)
      const content = await readContent(this.#query, this.#masking, this.#limits, shipped)
      if (content.fingerprint === this.#fingerprint) this.#use.hits++
      else {
        this.#use.misses++
        this.#snapshot = await buildSnapshot({
          content,
          masking: this.#masking,
          memory: this.#memory,
          tracer: this.#tracer,
          version: this.#snapshot.version + 1,
        })
        this.#fingerprint = content.fingerprint
      }
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

  /** DDL leaves what PostgreSQL ships as it is, so that is read again only when it is old. */
  async #readShipped(nowMs: number): Promise<Listed> {
    if (this.#shipped === undefined || nowMs - this.#shipped.readAtMs > this.#limits.maxAgeMs)
      this.#shipped = { listed: await readShipped(this.#query, this.#limits), readAtMs: nowMs }
    return this.#shipped.listed
  }
}

/** `app.f` */
function split(name: string): [schema: string, name: string] {
  const dot = name.indexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}
