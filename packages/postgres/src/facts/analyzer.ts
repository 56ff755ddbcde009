import { RecentCache, refusal, type CacheUse, type Refusal } from '@sallyport/core'
import type { Node } from '@pgsql/types'
import type { Catalog } from '../catalog/catalog.ts'
import type { Analysis, AnalysisContext, StatementAnalysis } from './analysis.ts'
import { TooDeep } from './depth.ts'
import { Draft } from './draft.ts'
import { WatchedLiterals } from './literals.ts'
import { Names } from './names.ts'
import type { ParseOutcome, Parser } from './parser.ts'
import { analyseStatement } from './statement.ts'
import { templateOf, type Template } from './template.ts'

interface Entry {
  readonly version: number
  readonly context: AnalysisContext
  readonly analysis: Analysis
}

/** Analyses of one catalogue: twice this many, of texts that together are no longer than this. */
const maxEntries = 2000
const maxTextLength = 4 * 1024 * 1024

/** What is known of one catalogue's statements: by their text, and by their shape where their literals do not matter. */
class Memory {
  readonly texts = new RecentCache<string, Entry>(maxEntries, maxTextLength)
  readonly shapes = new RecentCache<string, Entry>(maxEntries, maxTextLength)
}

/**
 * Says what a text does. Synchronous for texts that are known or short while the catalogue is fresh. A repeated text, and one that
 * differs in literals which nobody looked at, gives the same analysis, and so the same Facts objects, by which decisions are cached.
 */
export class Analyzer {
  readonly #parser: Parser
  readonly use: CacheUse = { name: 'statements', hits: 0, misses: 0 }
  readonly #memories = new WeakMap<Catalog, Memory>()

  constructor(input: { readonly parser: Parser }) {
    this.#parser = input.parser
  }

  /**
   * `text` is what the server will be sent, decoded strictly from UTF-8.
   * @throws Fault where columns are masked and the catalogue cannot be read
   */
  analyse(text: string, context: AnalysisContext): Analysis | Promise<Analysis> {
    // hot path: one look-up for a repeated text, one pass and another look-up for one with other literals
    if (!context.catalog.isFresh) return this.#analyseFresh(text, context)
    const known = this.#known(text, context)
    if (known !== undefined) return known
    return this.#analyse(text, context, true)
  }

  #known(text: string, context: AnalysisContext): Analysis | undefined {
    const memory = this.#memories.get(context.catalog)
    const known = memory?.texts.get(text)
    if (known !== undefined && holds(known, context)) {
      this.use.hits++
      return known.analysis
    }
    const shape = templateOf(text)?.shape
    const alike = shape === undefined ? undefined : memory?.shapes.get(shape)
    if (alike !== undefined && holds(alike, context)) {
      this.use.hits++
      return alike.analysis
    }
    this.use.misses++
    return undefined
  }

  async #analyseFresh(text: string, context: AnalysisContext): Promise<Analysis> {
    await context.catalog.refresh()
    const known = this.#known(text, context)
    if (known !== undefined) return known
    return this.#analyse(text, context, false)
  }

  #analyse(text: string, context: AnalysisContext, mayAsk: boolean): Analysis | Promise<Analysis> {
    const parsed = this.#parser.parse(text)
    if (parsed instanceof Promise)
      return parsed.then((outcome) => this.#judge(text, outcome, context, mayAsk))
    return this.#judge(text, parsed, context, mayAsk)
  }

  /** A name that the snapshot lacks may be newer than it: ask once more before saying that it is unknown. */
  #judge(
    text: string,
    parsed: ParseOutcome,
    context: AnalysisContext,
    mayAsk: boolean,
  ): Analysis | Promise<Analysis> {
    const template = parsed.kind === 'tree' ? templateOf(text) : undefined
    const { analysis, hasUnknownNames, isOfShape } = analyseWatched(text, template, parsed, context)
    if (hasUnknownNames && mayAsk)
      return context.catalog.refresh().then(() => this.#judge(text, parsed, context, false))
    if (!hasUnknownNames) this.#keep(isOfShape ? template?.shape : undefined, text, context, analysis)
    return analysis
  }

  /** @param shape where it holds for every text of that shape */
  #keep(shape: string | undefined, text: string, context: AnalysisContext, analysis: Analysis): void {
    const { catalog } = context
    let memory = this.#memories.get(catalog)
    if (memory === undefined) this.#memories.set(catalog, (memory = new Memory()))
    const entry = { version: catalog.version, context, analysis }
    if (shape === undefined) memory.texts.set(text, entry, text.length)
    else memory.shapes.set(shape, entry, shape.length)
  }
}

function holds({ version, context }: Entry, now: AnalysisContext): boolean {
  return version === now.catalog.version && isSame(context, now)
}

function isSame(one: AnalysisContext, other: AnalysisContext): boolean {
  if (one === other) return true
  if (one.masking !== other.masking || one.database !== other.database) return false
  if (one.searchPath === other.searchPath) return true
  return (
    one.searchPath.length === other.searchPath.length &&
    one.searchPath.every((schema, position) => schema === other.searchPath[position])
  )
}

interface Judged {
  readonly analysis: Analysis
  readonly hasUnknownNames: boolean
}

/** @returns beside the analysis, whether it is that of every text of the template's shape */
function analyseWatched(
  text: string,
  template: Template | undefined,
  parsed: ParseOutcome,
  context: AnalysisContext,
): Judged & { readonly isOfShape: boolean } {
  if (template === undefined || parsed.kind !== 'tree')
    return { ...analyseParsed(parsed, context), isOfShape: false }
  using literals = new WatchedLiterals(parsed.statements, text, template.places)
  const judged = analyseParsed(parsed, context)
  const { refusal: refused, statements } = judged.analysis
  // What the session must remember, or a copy's options, may repeat a text.
  const isPlain = statements.every(({ effects, copy }) => effects.length === 0 && copy === undefined)
  const isOfShape = literals.isComplete && !literals.wasRead && isPlain && refused === undefined
  return { ...judged, isOfShape }
}

function analyseParsed(parsed: ParseOutcome, context: AnalysisContext): Judged {
  if (parsed.kind === 'syntax') return unparsed(context)
  if (parsed.kind === 'too-complex') return { ...unparsed(context, tooComplex(parsed.reason)) }
  try {
    return analyseTree(parsed.statements, context)
  } catch (thrown) {
    // a stack that runs out is a tree too deep, whatever its nodes
    if (thrown instanceof TooDeep || thrown instanceof RangeError)
      return unparsed(context, tooComplex('the statement is nested too deeply'))
    throw thrown
  }
}

function analyseTree(nodes: readonly Node[], context: AnalysisContext): Judged {
  const names = new Names(context.catalog.snapshot, context.database, context.searchPath)
  const lens = { names, isStrict: context.masking.mode === 'strict' }
  const statements: StatementAnalysis[] = []
  const drafts = nodes.map((node) => {
    const draft = new Draft()
    statements.push(analyseStatement(node, draft, lens))
    return draft
  })
  const facts = drafts.map((draft) => draft.finish())
  const refused = drafts.find((draft) => draft.refusal !== undefined)?.refusal
  return {
    analysis: refused === undefined ? { facts, statements } : { facts, statements, refusal: refused },
    hasUnknownNames: drafts.some((draft) => draft.hasUnknownNames),
  }
}

/** It may do anything, so it counts as using every tag. */
function unparsed(context: AnalysisContext, refused?: Refusal): Judged {
  const { allTags } = context.catalog.snapshot
  const draft = new Draft()
  draft.unparsed()
  draft.kinds.add('unparsed')
  draft.expose(allTags)
  const facts = [draft.finish()]
  const statements: StatementAnalysis[] = [
    { kind: 'unparsed', outputs: 'unknown', tags: allTags, effects: [{ kind: 'ddl' }] },
  ]
  return {
    analysis: refused === undefined ? { facts, statements } : { facts, statements, refusal: refused },
    hasUnknownNames: false,
  }
}

function tooComplex(reason: string): Refusal {
  return refusal('too-complex', reason, 'send it in smaller parts')
}
