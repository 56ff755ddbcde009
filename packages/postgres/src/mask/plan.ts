import type { Masking, Redactor } from '@sallyport/core'
import { defaultRedactor, detectors, type Scrubber } from '@sallyport/masking'
import type { Catalog } from '../catalog/catalog.ts'
import type { Field } from '../codec/backend.ts'
import type { OutputColumn } from '../facts/analysis.ts'
import { hideWhole, redactPlain, scrubFound, type CellMask } from './cell.ts'

/** Objects that the server was born with have lower OIDs. */
const firstUserOid = 16_384

/** What a column's values become: a redactor for plain tagged ones, hidden whole, or looked at by detectors. */
export type Treatment =
  | { readonly kind: 'redact'; readonly redactor: Redactor }
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
    told: readonly string[] | 'unknown',
    masked: ReadonlySet<string>,
  ): Treatment {
    const isHidden = (tags: readonly string[] | 'unknown'): boolean =>
      tags === 'unknown' ? this.#hasMasked(masked) : tags.some((tag) => masked.has(tag))
    const byLineage = isHidden(output === 'unknown' ? 'unknown' : output.tags)
    if (!byLineage && !isHidden(told)) return { kind: 'detect' }
    // Only a bare column, whose tags both witnesses know, may show the part that its redactor leaves.
    const isPlain = output !== 'unknown' && output.isPlain && told !== 'unknown'
    const tag = isPlain ? [...output.tags, ...told].find((one) => masked.has(one)) : undefined
    return tag === undefined ? { kind: 'hide' } : { kind: 'redact', redactor: this.redactorOf(tag) }
  }

  /** The server's word on a column of a RowDescription. */
  told({ tableOid, attnum }: Field): readonly string[] | 'unknown' {
    if (tableOid === 0) return []
    const tags = this.#catalog.tagsOf(tableOid, attnum)
    if (tags !== 'unknown') return tags
    if (tableOid < firstUserOid) return []
    // Newer than what we know: hidden now, and the next statement reads the catalogue anew.
    this.#catalog.invalidate()
    return 'unknown'
  }

  cell(
    treatment: Treatment,
    typeOid: number,
    format: number,
    masked: ReadonlySet<string>,
  ): CellMask | undefined {
    switch (treatment.kind) {
      case 'hide':
        return hideWhole(typeOid)
      case 'redact':
        return redactPlain(treatment.redactor, typeOid, format, this.#key)
      case 'detect': {
        const scrubbers = this.scrubbers(masked)
        return scrubbers.length === 0 ? undefined : scrubFound(scrubbers, typeOid, format, this.#key)
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
