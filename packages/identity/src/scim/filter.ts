import { invalid, type ScimProblem } from './problem.ts'

/** An attribute, or one inside of it: `name.familyName`, with the schema's URN before it where it was written. */
export interface AttributePath {
  readonly schema?: string
  readonly name: string
  readonly sub?: string
}

export type CompareOperator = (typeof compareOperators)[number]
export type CompareValue = string | number | boolean | null

/** RFC 7644 section 3.4.2.2 */
export type Filter =
  | { readonly is: 'and' | 'or'; readonly left: Filter; readonly right: Filter }
  | { readonly is: 'not'; readonly of: Filter }
  | { readonly is: 'present'; readonly path: AttributePath }
  | {
      readonly is: 'compare'
      readonly path: AttributePath
      readonly operator: CompareOperator
      readonly value: CompareValue
    }
  /** One value of a list that fulfils all of it: `emails[type eq "work"]`. */
  | { readonly is: 'within'; readonly path: AttributePath; readonly of: Filter }

/** What a change is about: `members[value eq "…"]`, `emails[type eq "work"].value`. RFC 7644 section 3.5.2 */
export interface PatchPath extends AttributePath {
  /** Which values of a list. */
  readonly where?: Filter
}

/** @throws ScimProblem invalidFilter */
export function parseFilter(text: string): Filter {
  const reader = new Reader(text, (what) => invalid('invalidFilter', `the filter cannot be read: ${what}`))
  const filter = reader.either(0)
  reader.end()
  return filter
}

/** @throws ScimProblem invalidPath */
export function parsePath(text: string): PatchPath {
  const reader = new Reader(text, (what) => invalid('invalidPath', `the path cannot be read: ${what}`))
  const path = reader.patchPath()
  reader.end()
  return path
}

/** Reads from left to right, each rule of the grammar by a method. */
class Reader {
  readonly #text: string
  readonly #problem: (what: string) => ScimProblem
  #at = 0
  #terms = 0

  constructor(text: string, problem: (what: string) => ScimProblem) {
    this.#text = text
    this.#problem = problem
    if (text.length > maxCharacters) throw problem(`it has more than ${maxCharacters} characters`)
  }

  either(depth: number): Filter {
    let left = this.#both(depth)
    while (this.#word('or')) left = { is: 'or', left, right: this.#both(depth) }
    return left
  }

  #both(depth: number): Filter {
    let left = this.#term(depth)
    while (this.#word('and')) left = { is: 'and', left, right: this.#term(depth) }
    return left
  }

  #term(depth: number): Filter {
    if (depth > maxDepth) throw this.#problem(`it is nested deeper than ${maxDepth} levels`)
    if (++this.#terms > maxTerms) throw this.#problem(`it has more than ${maxTerms} terms`)
    if (this.#take(/not(?=[ (])/iy) !== undefined) {
      this.#need('(')
      return { is: 'not', of: this.#closed(')', depth) }
    }
    if (this.#symbol('(')) return this.#closed(')', depth)
    const path = this.#path()
    if (this.#symbol('[')) {
      if (path.sub !== undefined) throw this.#problem('brackets stand behind an attribute, not inside of it')
      const of = this.#closed(']', depth)
      const sub = this.#take(subForm)?.slice(1)
      if (sub === undefined) return { is: 'within', path, of }
      // Entra ID asks so for a value of those: `emails[type eq "work"].value eq "…"`.
      return { is: 'within', path, of: { is: 'and', left: of, right: this.#comparison({ name: sub }) } }
    }
    return this.#comparison(path)
  }

  #comparison(path: AttributePath): Filter {
    const operator = this.#take(/[A-Za-z]{2}(?![A-Za-z])/y)?.toLowerCase()
    if (operator === 'pr') return { is: 'present', path }
    const known = compareOperators.find((one) => one === operator)
    if (known === undefined)
      throw this.#problem(
        `at character ${this.#at + 1} there is no operator: ${compareOperators.join(', ')}, pr`,
      )
    return { is: 'compare', path, operator: known, value: this.#value() }
  }

  #closed(bracket: ')' | ']', depth: number): Filter {
    const inner = this.either(depth + 1)
    this.#need(bracket)
    return inner
  }

  patchPath(): PatchPath {
    const path = this.#path()
    if (!this.#symbol('[')) return path
    if (path.sub !== undefined) throw this.#problem('brackets stand behind an attribute, not inside of it')
    const where = this.#closed(']', 0)
    const sub = this.#take(subForm)?.slice(1)
    return { ...path, where, ...(sub !== undefined && { sub }) }
  }

  #path(): AttributePath {
    this.#space()
    pathForm.lastIndex = this.#at
    const found = pathForm.exec(this.#text)?.groups
    if (found === undefined) throw this.#problem(`at character ${this.#at + 1} there is no attribute`)
    this.#at = pathForm.lastIndex
    const { schema, name = '', sub } = found
    return { ...(schema !== undefined && { schema }), name, ...(sub !== undefined && { sub }) }
  }

  #value(): CompareValue {
    const token = this.#take(/"(?:[^"\\\p{Cc}]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/uy)
    if (token === undefined) throw this.#problem(`at character ${this.#at + 1} there is no value`)
    try {
      return JSON.parse(token) as CompareValue
    } catch {
      throw this.#problem('it has a value that is no JSON')
    }
  }

  #need(symbol: string): void {
    if (!this.#symbol(symbol)) throw this.#problem(`at character ${this.#at + 1} there is no ${symbol}`)
  }

  #symbol(symbol: string): boolean {
    this.#space()
    if (this.#text[this.#at] !== symbol) return false
    this.#at++
    return true
  }

  /** A word that joins two terms: with a space or a bracket on either side. */
  #word(word: 'and' | 'or'): boolean {
    const before = this.#at
    const isApart = /[ )\]"]/.test(this.#text[this.#at - 1] ?? '') || this.#text[this.#at] === ' '
    if (isApart && this.#take(word === 'and' ? /and(?=[ (])/iy : /or(?=[ (])/iy) !== undefined) return true
    this.#at = before
    return false
  }

  #take(form: RegExp): string | undefined {
    this.#space()
    form.lastIndex = this.#at
    const found = form.exec(this.#text)?.[0]
    if (found !== undefined) this.#at = form.lastIndex
    return found
  }

  #space(): void {
    while (this.#text[this.#at] === ' ') this.#at++
  }

  end(): void {
    this.#space()
    if (this.#at < this.#text.length)
      throw this.#problem(`at character ${this.#at + 1} there is more than was expected`)
  }
}

const compareOperators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
const subForm = /\.\$?[A-Za-z][\w-]*/y
/** A schema's URN ends with the last colon before the name. */
const pathForm =
  /(?:(?<schema>urn:[A-Za-z0-9._:-]+):)?(?<name>\$?[A-Za-z][\w-]*)(?:\.(?<sub>\$?[A-Za-z][\w-]*))?/y
const maxCharacters = 4096
const maxDepth = 16
const maxTerms = 100
