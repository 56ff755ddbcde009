import { detectors } from './detectors.ts'
import { tagByName } from './column-names.ts'

/** What speaks for a tag of one column. */
export interface Evidence {
  readonly tag: string
  readonly found: number
  readonly byName: boolean
}

/** The part of a column's values in which something is found, from which on it is no accident. */
const leastPart = 0.1

/** What the values of a column are, by the detectors and by its name. Counts alone are kept, never a value. */
export class ColumnEvidence {
  readonly #byName: string | undefined
  readonly #found = new Map<string, number>()
  #values = 0

  constructor(name: string) {
    this.#byName = tagByName(name)
  }

  /** How many values it has seen. */
  get values(): number {
    return this.#values
  }

  see(value: string): void {
    this.#values++
    for (const { tag, find } of all) if (find(value)) this.#found.set(tag, (this.#found.get(tag) ?? 0) + 1)
  }

  /** Most found first. A name alone suffices: an empty table will not stay empty. */
  proposed(): readonly Evidence[] {
    const byName = this.#byName
    const tags = new Set([...this.#found.keys(), ...(byName === undefined ? [] : [byName])])
    return [...tags]
      .map((tag) => ({ tag, found: this.#found.get(tag) ?? 0, byName: tag === byName }))
      .filter((it) => it.byName || it.found >= leastPart * this.#values)
      .toSorted((a, b) => b.found - a.found)
  }
}

const all = Object.values(detectors).map((detector) => ({
  tag: detector.tag,
  find: (value: string) => detector.find(value).length > 0,
}))
