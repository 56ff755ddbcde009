import { RecentCache, type CacheUse } from '@sallyport/core'
import type { Node } from '@pgsql/types'
import { EngineSource, type Engine, type Parsed, type ParseTree } from './engine.ts'
import { parserLimits, tooComplex, type ParserLimits } from './limits.ts'
import { ParseRoom } from './parse-room.ts'

export type ParseOutcome =
  | { readonly kind: 'tree'; readonly statements: readonly Node[] }
  | { readonly kind: 'syntax'; readonly message: string; readonly position: number }
  | { readonly kind: 'too-complex'; readonly reason: string }

/**
 * PostgreSQL 18's own grammar. Short texts are parsed at once, long ones in a worker. An instance that a hostile text
 * broke is replaced; such a text answers `too-complex`.
 */
export class Parser implements AsyncDisposable {
  readonly #limits: ParserLimits
  readonly #source: EngineSource
  readonly #room: ParseRoom
  readonly #cache: RecentCache<string, ParseOutcome>
  readonly use: CacheUse = { name: 'parses', hits: 0, misses: 0 }
  #engine: Engine | undefined
  #restart: Promise<void> | undefined

  private constructor(limits: ParserLimits, source: EngineSource, engine: Engine) {
    this.#limits = limits
    this.#source = source
    this.#engine = engine
    this.#room = new ParseRoom(limits, source.module)
    this.#cache = new RecentCache(limits.maxCacheEntries, limits.maxCacheSize)
  }

  static async create(limits: ParserLimits = parserLimits): Promise<Parser> {
    const source = new EngineSource()
    return new Parser(limits, source, await source.start())
  }

  /** A promise only for long texts, and for the moment after an instance broke. */
  parse(text: string): ParseOutcome | Promise<ParseOutcome> {
    const known = this.#cache.get(text)
    if (known !== undefined) {
      this.use.hits++
      return known
    }
    this.use.misses++
    const reason = tooComplex(text, this.#limits)
    if (reason !== undefined) return { kind: 'too-complex', reason }
    if (Buffer.byteLength(text) > this.#limits.maxInlineBytes) return this.#parseApart(text)
    if (this.#engine === undefined) return this.#parseLater(text)
    return this.#parseHere(this.#engine, text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#room[Symbol.asyncDispose]()
    await this.#restart
  }

  #parseHere(engine: Engine, text: string): ParseOutcome {
    let parsed
    try {
      parsed = engine.parse(text)
    } catch {
      this.#engine = undefined
      this.#restart = this.#source.start().then((fresh) => {
        this.#engine = fresh
        this.#restart = undefined
      })
      return brokeTheParser
    }
    return this.#keep(text, parsed)
  }

  async #parseLater(text: string): Promise<ParseOutcome> {
    await this.#restart
    return this.parse(text)
  }

  async #parseApart(text: string): Promise<ParseOutcome> {
    const parsed = await this.#room.parse(text)
    return parsed === undefined ? brokeTheParser : this.#keep(text, parsed)
  }

  #keep(text: string, parsed: Parsed): ParseOutcome {
    const outcome = outcomeOf(parsed)
    const size = text.length + (parsed.kind === 'tree' ? parsed.json.length : parsed.message.length)
    this.#cache.set(text, outcome, size)
    return outcome
  }
}

function outcomeOf(parsed: Parsed): ParseOutcome {
  if (parsed.kind === 'syntax') {
    // the grammar's own stack: not a matter of syntax
    if (parsed.message.startsWith('memory exhausted')) return { kind: 'too-complex', reason: parsed.message }
    return parsed
  }
  const tree = JSON.parse(parsed.json) as ParseTree // libpg-query's own output, by its own protobuf schema
  return { kind: 'tree', statements: (tree.stmts ?? []).flatMap((raw) => raw.stmt ?? []) }
}

const brokeTheParser: ParseOutcome = { kind: 'too-complex', reason: 'the text is nested too deeply to parse' }
