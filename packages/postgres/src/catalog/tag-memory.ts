import { isDeepStrictEqual } from 'node:util'
import type { Mark } from './snapshot.ts'

/**
 * Which columns were ever tagged, by OID and attribute number. A column keeps its tags when it is renamed, or moved to
 * another schema, as long as this memory lives.
 */
export class TagMemory {
  readonly #marks = new Map<number, Map<number, Mark[]>>()

  /** @returns whether it is new */
  add(relationOid: number, attnum: number, mark: Mark): boolean {
    let columns = this.#marks.get(relationOid)
    if (columns === undefined) this.#marks.set(relationOid, (columns = new Map()))
    const known = columns.get(attnum)
    if (known?.some((one) => isDeepStrictEqual(one, mark)) === true) return false
    if (known === undefined) columns.set(attnum, [mark])
    else known.push(mark)
    return true
  }

  marksOf(relationOid: number, attnum: number): readonly Mark[] {
    return this.#marks.get(relationOid)?.get(attnum) ?? []
  }

  /** Whether any column of it was. */
  hasTags(relationOid: number): boolean {
    return this.#marks.has(relationOid)
  }
}
