/**
 * Which columns were ever tagged, by OID and attribute number. A column keeps its tags when it is renamed, or moved to
 * another schema, as long as this memory lives.
 */
export class TagMemory {
  readonly #tags = new Map<number, Map<number, Set<string>>>()

  add(relationOid: number, attnum: number, tag: string): void {
    let columns = this.#tags.get(relationOid)
    if (columns === undefined) this.#tags.set(relationOid, (columns = new Map()))
    const known = columns.get(attnum)
    if (known === undefined) columns.set(attnum, new Set([tag]))
    else known.add(tag)
  }

  tagsOf(relationOid: number, attnum: number): ReadonlySet<string> | undefined {
    return this.#tags.get(relationOid)?.get(attnum)
  }

  /** Whether any column of it was. */
  hasTags(relationOid: number): boolean {
    return this.#tags.has(relationOid)
  }
}
