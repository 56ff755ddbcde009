import type { A_Const, Node } from '@pgsql/types'

/**
 * Watches the literals of a parsed text: whether somebody looked at the value of one. What was made of the tree without that holds
 * for every text of the same shape.
 */
export class WatchedLiterals implements Disposable {
  /** Whether each place is a literal of the tree: only then nothing else can depend on what stands there. */
  readonly isComplete: boolean
  readonly #watched: { readonly literal: A_Const; readonly key: keyof A_Const; readonly value: unknown }[] =
    []
  #wasRead = false

  /** @param places where the text that was parsed may have literals, as a Template says */
  constructor(statements: readonly Node[], text: string, places: readonly number[]) {
    const wanted = new Map(places.map((place) => [Buffer.byteLength(text.slice(0, place)), place]))
    const found = new Set<number>()
    eachLiteral(statements, (literal) => {
      const place = placeOf(literal, text, wanted)
      if (place === undefined) return
      found.add(place)
      this.#watch(literal)
    })
    this.isComplete = found.size === wanted.size
  }

  get wasRead(): boolean {
    return this.#wasRead
  }

  #watch(literal: A_Const): void {
    for (const key of ['ival', 'sval', 'fval', 'bsval'] as const) {
      const value = literal[key]
      if (value === undefined) continue
      this.#watched.push({ literal, key, value })
      const get = (): unknown => {
        this.#wasRead = true
        return value
      }
      Object.defineProperty(literal, key, { get, enumerable: true, configurable: true })
    }
  }

  /** The tree is again what it was. */
  [Symbol.dispose](): void {
    for (const { literal, key, value } of this.#watched)
      Object.defineProperty(literal, key, { value, enumerable: true, configurable: true, writable: true })
  }
}

/** The place at which a literal stands, or that its sign stands before: `- 5` is one literal to the parser. */
function placeOf(literal: A_Const, text: string, wanted: ReadonlyMap<number, number>): number | undefined {
  const at = literal.location ?? 0
  const place = wanted.get(at)
  if (place !== undefined) return place
  for (const [bytes, candidate] of wanted) {
    if (bytes <= at) continue
    const between = text.slice(0, candidate).slice(-(bytes - at))
    return /^-\s*$/.test(between) ? candidate : undefined
  }
  return undefined
}

function eachLiteral(value: unknown, visit: (literal: A_Const) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) eachLiteral(item, visit)
    return
  }
  for (const [key, inner] of Object.entries(value)) {
    // By libpg-query's own names: nothing else is called that.
    if (key === 'A_Const') visit(inner as A_Const)
    else eachLiteral(inner, visit)
  }
}
