/**
 * Which columns were ever tagged, by OID and attribute number. A column keeps its tags when it is renamed, or moved to
 * another schema, as long as this memory lives.
 */
export class TagMemory {
  readonly #tags = new Map<string, Set<string>>()

  add(relationOid: number, attnum: number, tag: string): void {
    const key = `${relationOid}.${attnum}`
    const known = this.#tags.get(key)
    if (known === undefined) this.#tags.set(key, new Set([tag]))
    else known.add(tag)
  }

  tagsOf(relationOid: number, attnum: number): ReadonlySet<string> | undefined {
    return this.#tags.get(`${relationOid}.${attnum}`)
  }
}
