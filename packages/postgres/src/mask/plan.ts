import type { Masking, Redactor } from '@sallyport/core'
import { defaultRedactor, detectors, strictest, type Scrubber } from '@sallyport/masking'
import type { Catalog } from '../catalog/catalog.ts'
import type { Mark, ValueType } from '../catalog/snapshot.ts'
import type { Field } from '../codec/backend.ts'
import type { OutputColumn } from '../facts/analysis.ts'
import { hideWhole, type CellMask } from './cell.ts'
import { redactPlain } from './redact.ts'
import { scrubFound } from './scrub-found.ts'

/** Objects that the server was born with have lower OIDs. */
const firstUserOid = 16_384

/** What a column's values become: a redactor for plain tagged ones, hidden whole, or looked at by detectors. */
export type Treatment =
  | { readonly kind: 'redact'; readonly redactor: Redactor; readonly tags: readonly string[] }
  | { readonly kind: 'hide' }
  | { readonly kind: 'detect' }

/** Says how columns are treated for one subject on one resource. */
export class Planner {
  readonly #masking: Masking
  readonly #catalog: Catalog
  readonly #key: Uint8Array
  #scrubbersFor: ReadonlySet<string> | undefined
  #scrubbers: readonly Scrubber[] = []

  constructor(masking: Masking, catalog: Catalog, key: Uint8Array) {
    this.#masking = masking
    this.#catalog = catalog
    this.#key = key
  }

  /** A column by where it comes from. Two witnesses, lineage and the server's own word: either suffices to mask it. */
  treat(
    output: OutputColumn | 'unknown',
    told: readonly Mark[] | 'unknown',
    masked: ReadonlySet<string>,
  ): Treatment {
    const isMasked = ({ tag }: Mark): boolean => masked.has(tag)
    const byLineage =
      output === 'unknown' ? this.#hasMasked(masked) : output.tags.some((tag) => masked.has(tag))
    const byWord = told === 'unknown' ? this.#hasMasked(masked) : told.some(isMasked)
    if (!byLineage && !byWord) return { kind: 'detect' }
    // Only a bare column, whose tags both witnesses know, may show the part that its redactors leave.
    if (output === 'unknown' || output.column === undefined || told === 'unknown') return { kind: 'hide' }
    const marks = [...output.column.marks, ...told].filter(isMasked)
    const redactors = marks.map(({ tag, redactor }) => redactor ?? this.redactorOf(tag))
    return { kind: 'redact', redactor: strictest(redactors), tags: marks.map(({ tag }) => tag) }
  }

  /** The server's word on a column of a RowDescription. */
  told({ tableOid, attnum }: Field): readonly Mark[] | 'unknown' {
    if (tableOid === 0) return []
    const marks = this.#catalog.marksOf(tableOid, attnum)
    if (marks !== 'unknown') return marks
    if (tableOid < firstUserOid) return []
    // Newer than what we know: hidden now, and the next statement reads the catalogue anew.
    this.#catalog.invalidate()
    return 'unknown'
  }

  cell(
    treatment: Treatment,
    type: ValueType,
    format: number,
    masked: ReadonlySet<string>,
  ): CellMask | undefined {
    const key = this.#key
    switch (treatment.kind) {
      case 'hide':
        return hideWhole(type)
      case 'redact': {
        const { redactor, tags } = treatment
        // What its own tags are about is its redactor's affair.
        const scrubbers = this.scrubbers(masked).filter(({ detector }) => !tags.includes(detector.tag))
        return redactPlain({ redactor, type, format, key, scrubbers })
      }
      case 'detect': {
        const scrubbers = this.scrubbers(masked)
        return scrubbers.length === 0 ? undefined : scrubFound(scrubbers, type.oid, format, key)
      }
    }
  }

  redactorOf(tag: string): Redactor {
    return this.#masking.redactors[tag] ?? defaultRedactor(tag)
  }

  /** The resource's detectors whose finds the subject may not see. */
  scrubbers(masked: ReadonlySet<string>): readonly Scrubber[] {
    if (masked === this.#scrubbersFor) return this.#scrubbers
    this.#scrubbers = this.#masking.detectors.flatMap((name) => {
      const detector = detectors[name]
      return detector !== undefined && masked.has(detector.tag)
        ? [{ detector, redactor: this.redactorOf(detector.tag) }]
        : []
    })
    this.#scrubbersFor = masked
    return this.#scrubbers
  }

  /** Whether any column of the database may hold what is masked. */
  #hasMasked(masked: ReadonlySet<string>): boolean {
    return this.#masking.columns.some(({ tag }) => masked.has(tag))
  }
}
