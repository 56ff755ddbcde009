import type { Facts, Masking } from '@sallyport/core'
import { systemClock } from '@sallyport/core'
import { Catalog } from '../../catalog/catalog.ts'
import type { CatalogQuery } from '../../catalog/content.ts'
import { shopMasking, shopQuery } from '../../catalog/testing/shop.ts'
import type { Analysis, AnalysisContext, OutputColumn, StatementAnalysis } from '../analysis.ts'
import { Analyzer } from '../analyzer.ts'
import { Parser } from '../parser.ts'
import { viewTracer } from '../views.ts'

/** An analyzer over the shop's catalogue, for tests. */
export class Bench implements AsyncDisposable {
  readonly parser: Parser
  readonly analyzer: Analyzer
  readonly context: AnalysisContext
  readonly query: CatalogQuery

  private constructor(parser: Parser, context: AnalysisContext, query: CatalogQuery) {
    this.query = query
    this.parser = parser
    this.analyzer = new Analyzer({ parser })
    this.context = context
  }

  static async create(mode: Masking['mode'] = 'strict', query = shopQuery()): Promise<Bench> {
    const parser = await Parser.create()
    const masking = shopMasking(mode)
    const catalog = new Catalog({
      query,
      masking,
      tracer: viewTracer(parser),
      clock: systemClock,
    })
    return new Bench(parser, { catalog, database: 'shop', searchPath: ['public'], masking }, query)
  }

  async analyse(text: string): Promise<Analysis> {
    return this.analyzer.analyse(text, this.context)
  }

  /** A text of one statement. */
  async one(text: string): Promise<{ readonly facts: Facts; readonly statement: StatementAnalysis }> {
    const { facts, statements } = await this.analyse(text)
    const [first, statement] = [facts[0], statements[0]]
    if (first === undefined || statement === undefined || facts.length !== 1)
      throw new Error(`not one statement: ${text}`)
    return { facts: first, statement }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parser[Symbol.asyncDispose]()
  }
}

/** `shop.app.t=read,update shop.app.u=read`. */
export function objectsOf(facts: Facts): string {
  return facts.objects
    .map(({ path, actions }) => `${path.join('.')}=${actions.join(',')}`)
    .toSorted()
    .join(' ')
}

/** `id ssn[ssn] x[~ssn]`: tags in brackets, `~` for what is computed. */
export function outputsOf(outputs: readonly OutputColumn[] | 'unknown' | 'none'): string {
  if (typeof outputs === 'string') return outputs
  return outputs
    .map(({ name, tags, column }) =>
      tags.length === 0 ? name : `${name}[${column === undefined ? '~' : ''}${tags.join(',')}]`,
    )
    .join(' ')
}
