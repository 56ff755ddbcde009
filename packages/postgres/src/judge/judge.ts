import { isRefusal, refusal, type Masking, type Refusal } from '@sallyport/core'
import type { Catalog } from '../catalog/catalog.ts'
import type { ClientEncoding } from '../client-encoding.ts'
import type { Analysis, InnerStatement, StatementAnalysis } from '../facts/analysis.ts'
import type { Analyzer } from '../facts/analyzer.ts'
import { emptyText } from '../facts/empty.ts'
import type { Names } from '../names.ts'
import type { JudgedStatement, Judgement, LateName, PostgresOperation, Prepared } from '../operations.ts'
import type { Portals } from '../portals.ts'
import type { SearchPath } from '../search-path.ts'
import { effectsOf, isSteady } from './effects.ts'
import { encodingRefusal, namesRefusal } from './encoding.ts'
import { andThen, anyOf, fetched, joinLate, nameless, plain, uncertain, type Judged } from './judged.ts'
import { Scope } from './scope.ts'

export interface JudgeParts {
  readonly analyzer: Analyzer
  readonly catalog: Catalog
  readonly database: string
  readonly account: string
  readonly masking: Masking
  readonly searchPath: SearchPath
  readonly encoding: ClientEncoding
  /** Everything sent is answered, and no transaction is open. */
  readonly isIdle: () => boolean
  readonly statements: Names<Prepared>
  readonly portals: Portals
}

/** An EXECUTE that stands for another EXECUTE is not followed. */
const maxDepth = 1

/** Says what an operation does: its text by the classifier, and every name in it by what the session made of that name. */
export class Judge {
  readonly #parts: JudgeParts
  /** hot path: a repeated text that makes and uses no names needs no new objects. */
  readonly #known = new WeakMap<Analysis, Judgement>()

  constructor(parts: JudgeParts) {
    this.#parts = parts
  }

  judge(asked: PostgresOperation): Judged | Promise<Judged> {
    const { encoding, isIdle } = this.#parts
    const refused = namesRefusal(asked.text, encoding)
    if (refused !== undefined) return refused
    return andThen(this.#meaning(asked), (judged) =>
      isRefusal(judged) ? judged : (encodingRefusal(asked, judged, encoding, isIdle) ?? judged),
    )
  }

  #meaning(asked: PostgresOperation): Judged | Promise<Judged> {
    const { searchPath } = this.#parts
    if (!searchPath.isSettled) return searchPath.settled().then(() => this.#meaning(asked))
    const path = searchPath.current()
    if (isRefusal(path)) return this.#underNoPath(asked, path)
    switch (asked.kind) {
      case 'query':
        return this.#text(asked.text, path, 0)
      case 'bind':
      case 'late':
        return asked.candidates.length === 1
          ? this.#prepared(asked.candidates[0]!, path, 0)
          : anyOf(asked.candidates.map((candidate) => this.#prepared(candidate, path, 0)))
      case 'function':
        return asked.callee === undefined ? notByMessage : this.#text(asked.text, path, 0)
      case 'cursor':
        return andThen(anyOf(asked.candidates.map(fetched)), (judged) =>
          asked.isCertain ? judged : uncertain(judged),
        )
    }
  }

  /** Only what names nothing: setting the path among it. */
  #underNoPath(asked: PostgresOperation, refused: Refusal): Judged | Promise<Judged> {
    if (asked.kind === 'cursor' || asked.kind === 'function') return refused
    if (asked.kind !== 'query' && asked.candidates.length !== 1) return refused
    return andThen(this.#analyse(asked.text, []), (analysis) =>
      analysis.statements.every(({ kind }) => nameless.has(kind))
        ? this.#resolve(asked.text, analysis, [], 0)
        : refused,
    )
  }

  #analyse(text: string, searchPath: readonly string[]): Analysis | Promise<Analysis> {
    const { analyzer, catalog, database, masking } = this.#parts
    return analyzer.analyse(text, { catalog, database, masking, searchPath })
  }

  #text(text: string, path: readonly string[], depth: number): Judged | Promise<Judged> {
    return andThen(this.#analyse(text, path), (analysis) => this.#resolve(text, analysis, path, depth))
  }

  #prepared(prepared: Prepared, path: readonly string[], depth: number): Judged | Promise<Judged> {
    if (depth > maxDepth) return tooDeep
    const { text, at } = prepared
    if (at === undefined) return this.#text(text, path, depth)
    return andThen(this.#analyse(text, path), (analysis) => {
      if (analysis.refusal !== undefined) return analysis.refusal
      const effect = analysis.statements[at]?.effects.find(({ kind }) => kind === 'prepare')
      if (effect?.kind !== 'prepare') throw new TypeError('a text is parsed otherwise than before')
      return this.#statement(effect.inner, text, path)
    })
  }

  /** A statement inside another, which names nothing. */
  #statement({ facts, statement }: InnerStatement, text: string, path: readonly string[]): Judgement {
    return {
      facts: [facts],
      statements: [{ ...plain(statement, path), effects: effectsOf(statement, text, 0) }],
    }
  }

  #resolve(
    text: string,
    analysis: Analysis,
    path: readonly string[],
    depth: number,
  ): Judged | Promise<Judged> {
    if (analysis.refusal !== undefined) return analysis.refusal
    if (analysis.facts.length === 0) return { facts: emptyText, statements: [] }
    const known = this.#known.get(analysis)
    if (known !== undefined) return known
    const { statements } = analysis
    if (statements.length === 1 ? isSteady(statements[0]!) : statements.every(doesNothing)) {
      const judgement = {
        facts: analysis.facts,
        statements: statements.map((statement, at) => ({
          ...plain(statement, path),
          effects: effectsOf(statement, text, at),
        })),
      }
      this.#known.set(analysis, judgement)
      return judgement
    }
    const scope = new Scope(path, this.#parts.searchPath, depth)
    return this.#inOrder(text, analysis, scope, { facts: [], statements: [] })
  }

  /** The statement that comes next, and those after it: each means what it means after the ones before. */
  #inOrder(text: string, analysis: Analysis, scope: Scope, before: Judgement): Judged | Promise<Judged> {
    const at = before.statements.length
    const statement = analysis.statements[at]
    if (statement === undefined) return before
    return andThen(this.#inScope(text, statement, at, scope), (judged) => {
      if (isRefusal(judged)) return judged
      const next: Judgement = {
        facts: [...before.facts, analysis.facts[at]!, ...judged.facts],
        statements: [...before.statements, ...judged.statements],
      }
      if (at + 1 === analysis.statements.length) return next
      return andThen(this.#after(text, analysis, judged.statements[0]!, scope), (after) =>
        isRefusal(after) ? after : this.#inOrder(text, after, scope, next),
      )
    })
  }

  /** One statement, with the facts of what it names. */
  #inScope(text: string, statement: StatementAnalysis, at: number, scope: Scope): Judged | Promise<Judged> {
    const effects = effectsOf(statement, text, at)
    const named = this.#named(statement, scope)
    const own = { ...plain(statement, scope.path), effects }
    if (named === undefined) return { facts: [], statements: [own] }
    return andThen(named.judged, (judged) => {
      if (isRefusal(judged)) return judged
      const only = judged.statements.length === 1 ? judged.statements[0] : undefined
      const outputs = named.isCertain ? (only?.outputs ?? 'unknown') : 'unknown'
      const late = joinLate([own, ...judged.statements], named.late)
      return {
        facts: judged.facts,
        statements: [
          {
            // A plan, where the statement is EXPLAIN.
            outputs: statement.outputs === 'unknown' ? outputs : own.outputs,
            copy: only?.copy,
            effects: [...effects, ...(only?.effects ?? [])],
            ...(late === undefined ? {} : { late }),
          },
        ],
      }
    })
  }

  /** What EXECUTE or FETCH stands for; undefined where the statement names nothing. */
  #named(statement: StatementAnalysis, scope: Scope) {
    const { statements, portals } = this.#parts
    for (const effect of statement.effects) {
      // A name that nobody made: the server will say so. What a function may have made by that name stays unknown.
      if (effect.kind === 'execute') {
        const { name } = effect
        const local = scope.statements.get(name)
        const candidates = local === undefined ? statements.candidates(name) : [local]
        const judged = candidates.map((candidate) => this.#prepared(candidate, scope.path, scope.depth + 1))
        const late: LateName = { kind: 'statement', name, judged: candidates }
        return { judged: anyOf(judged), isCertain: true, late }
      }
      if (effect.kind === 'fetch') {
        const name = effect.cursor
        const local = scope.cursors.get(name)
        const candidates = local === undefined ? portals.candidates(name) : [local]
        const cursors = candidates.filter((opened) => opened.kind === 'cursor')
        const isCertain =
          cursors.length === candidates.length &&
          (local !== undefined || (!scope.isOpaque && portals.areCurrent(candidates)))
        const late: LateName = { kind: 'portal', name, judged: candidates, era: portals.era }
        return { judged: anyOf(cursors.map(fetched)), isCertain, late }
      }
    }
    return undefined
  }

  /** The analysis by which the statements behind these are judged: they mean what they mean under the path that is then. */
  #after(
    text: string,
    analysis: Analysis,
    before: JudgedStatement,
    scope: Scope,
  ): Analysis | Refusal | Promise<Analysis | Refusal> {
    const { path } = scope
    if (!before.effects.every((effect) => scope.passed(effect))) return pathCannotBeTold
    if (scope.path === path) return analysis
    return andThen(this.#analyse(text, scope.path), (under) => under.refusal ?? under)
  }
}

const pathCannotBeTold = refusal(
  'unsupported',
  'statements after this change of search_path cannot be judged',
  'Send what changes it by itself first.',
)

const tooDeep = refusal(
  'too-complex',
  'this statement executes a prepared one that executes another, and so on',
  'Execute the last of them.',
)

const notByMessage = refusal(
  'unsupported',
  'only functions on large objects are offered by the function call message',
  'Call the function by SELECT.',
)

const doesNothing = ({ effects }: StatementAnalysis): boolean => effects.length === 0
