import { systemClock } from '@sallyport/core'
import { Catalog } from '../../../../packages/postgres/src/catalog/catalog.ts'
import { shopMasking, shopQuery } from '../../../../packages/postgres/src/catalog/testing/shop.ts'
import type { Analysis, AnalysisContext } from '../../../../packages/postgres/src/facts/analysis.ts'
import { Analyzer } from '../../../../packages/postgres/src/facts/analyzer.ts'
import { parserLimits } from '../../../../packages/postgres/src/facts/limits.ts'
import { Parser } from '../../../../packages/postgres/src/facts/parser.ts'
import { viewTracer } from '../../../../packages/postgres/src/facts/views.ts'

/** The classifier over the catalogue of its own tests, without its caches: each text is looked at anew. */
export class Classifier implements AsyncDisposable {
  readonly #parser: Parser
  readonly #context: AnalysisContext

  private constructor(parser: Parser, context: AnalysisContext) {
    this.#parser = parser
    this.#context = context
  }

  static async create(): Promise<Classifier> {
    const parser = await Parser.create({ ...parserLimits, maxCacheEntries: 0 })
    const masking = shopMasking('strict')
    const catalog = new Catalog({
      query: shopQuery(),
      masking,
      tracer: viewTracer(parser),
      clock: systemClock,
    })
    return new Classifier(parser, { catalog, database: 'shop', searchPath: ['public'], masking })
  }

  analyse(text: string): Analysis | Promise<Analysis> {
    return new Analyzer({ parser: this.#parser }).analyse(text, this.#context)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parser[Symbol.asyncDispose]()
  }
}
