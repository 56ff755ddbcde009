import type { Analysis, AnalysisContext } from './analysis.ts'
import type { Parser } from './parser.ts'

export class Analyzer {
  readonly #parser: Parser

  constructor(input: { readonly parser: Parser }) {
    this.#parser = input.parser
  }

  analyse(text: string, context: AnalysisContext): Analysis | Promise<Analysis> {
    void this.#parser
    void text
    void context
    throw new TypeError('not yet')
  }
}
