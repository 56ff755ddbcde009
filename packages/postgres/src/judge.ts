import { isRefusal, refusal, type Facts, type Masking, type Refusal } from '@sallyport/core'
import type { Catalog } from './catalog/catalog.ts'
import type { Analysis, InnerStatement, StatementAnalysis } from './facts/analysis.ts'
import { emptyText } from './facts/empty.ts'
import type { Analyzer } from './facts/analyzer.ts'
import type { Names } from './names.ts'
import type { Effect, JudgedStatement, Judgement, PostgresOperation, Prepared } from './operations.ts'
import { parsePath, type SearchPath } from './search-path.ts'

export interface JudgeParts {
  readonly analyzer: Analyzer
  readonly catalog: Catalog
  readonly database: string
  readonly account: string
  readonly masking: Masking
  readonly searchPath: SearchPath
  readonly statements: Names<Prepared>
  readonly cursors: Names<Prepared>
}

type Judged = Judgement | Refusal

/** More meanings than this are not judged together. */
const maxCandidates = 64

/** Says what an operation does: its text by the classifier, and every name in it by what the session made of that name. */
export class Judge {
  readonly #parts: JudgeParts
  /** hot path: a repeated text without names needs no new objects. */
  readonly #known = new WeakMap<Analysis, Judgement>()

  constructor(parts: JudgeParts) {
    this.#parts = parts
  }

  judge(asked: PostgresOperation): Judged | Promise<Judged> {
    const { searchPath } = this.#parts
    if (!searchPath.isSettled) return searchPath.settled().then(() => this.judge(asked))
    switch (asked.kind) {
      case 'query':
        return andThen(this.#analyse(asked.text), (analysis) => this.#resolve(asked.text, analysis))
      case 'bind':
        return asked.candidates.length === 1
          ? this.#candidate(asked.candidates[0]!)
          : this.#anyOf(asked.candidates)
      case 'cursor':
        return this.#anyOf(asked.candidates)
    }
  }

  #analyse(text: string): Analysis | Refusal | Promise<Analysis | Refusal> {
    const { analyzer, catalog, database, masking, searchPath } = this.#parts
    const path = searchPath.current()
    if (isRefusal(path)) return path
    return analyzer.analyse(text, { catalog, database, masking, searchPath: path })
  }

  /** The statements after a change of search_path in the same text mean what they mean under the new one. */
  #analyseUnder(value: string | undefined, text: string): Analysis | Refusal {
    const { analyzer, catalog, database, masking, account } = this.#parts
    const path = value === undefined ? 'unknown' : parsePath(value, account)
    const analysis =
      path === 'unknown'
        ? undefined
        : analyzer.analyse(text, { catalog, database, masking, searchPath: path })
    if (analysis !== undefined && !(analysis instanceof Promise)) return analysis
    return refusal(
      'unsupported',
      'statements after this change of search_path cannot be judged',
      'Send the SET by itself first.',
    )
  }

  #candidate(prepared: Prepared): Judged | Promise<Judged> {
    if (prepared.inner !== undefined)
      return { facts: [prepared.inner.facts], statements: [plain(prepared.inner.statement)] }
    return andThen(this.#analyse(prepared.text), (analysis) => this.#resolve(prepared.text, analysis))
  }

  /** Where it may be any of several, it is judged as all of them, and its rows as any of them. */
  #anyOf(candidates: readonly Prepared[]): Judged | Promise<Judged> {
    if (candidates.length > maxCandidates) {
      return refusal(
        'too-complex',
        'this name was redefined too often without waiting for an answer',
        'Wait for the answers, then send it again.',
      )
    }
    const judged = candidates.map((candidate) => this.#candidate(candidate))
    const join = (all: readonly Judged[]): Judged => {
      const facts: Facts[] = []
      const statements: JudgedStatement[] = []
      for (const one of all) {
        if (isRefusal(one)) return one
        facts.push(...one.facts)
        statements.push(...one.statements)
      }
      if (statements.length === 1) return { facts, statements }
      const effects = statements.flatMap((statement) => statement.effects)
      return { facts, statements: [{ outputs: 'unknown', copy: undefined, effects }] }
    }
    return judged.some((one) => one instanceof Promise)
      ? Promise.all(judged.map((one) => Promise.resolve(one))).then(join)
      : join(judged as Judged[])
  }

  #resolve(text: string, analysis: Analysis | Refusal): Judged | Promise<Judged> {
    if (isRefusal(analysis)) return analysis
    if (analysis.refusal !== undefined) return analysis.refusal
    if (analysis.facts.length === 0) return { facts: emptyText, statements: [] }
    const known = this.#known.get(analysis)
    if (known !== undefined) return known
    if (analysis.statements.every((statement) => statement.effects.length === 0)) {
      const judgement = { facts: analysis.facts, statements: analysis.statements.map(plain) }
      this.#known.set(analysis, judgement)
      return judgement
    }
    return this.#resolveNames(text, analysis)
  }

  #resolveNames(text: string, analysis: Analysis): Judged | Promise<Judged> {
    const facts: Facts[] = []
    const statements: (JudgedStatement | Promise<JudgedStatement | Refusal>)[] = []
    let judged = analysis
    for (let i = 0; i < analysis.statements.length; i++) {
      const statement = judged.statements[i]!
      facts.push(judged.facts[i]!)
      const effects = this.#effects(text, statement)
      const newPath = effects.find((effect) => effect.kind === 'search-path')
      if (newPath !== undefined && i + 1 < analysis.statements.length) {
        const under = this.#analyseUnder(newPath.value, text)
        if (isRefusal(under)) return under
        judged = under
      }
      const named = this.#named(statement)
      if (named === undefined) {
        statements.push({ outputs: outputsOf(statement), copy: statement.copy, effects })
        continue
      }
      const add = (judged: Judged): JudgedStatement | Refusal => {
        if (isRefusal(judged)) return judged
        facts.push(...judged.facts)
        const only = judged.statements.length === 1 ? judged.statements[0] : undefined
        return {
          outputs: only?.outputs ?? 'unknown',
          copy: only?.copy,
          effects: [...effects, ...(only?.effects ?? [])],
        }
      }
      const inner = andThen(this.#anyOf(named), add)
      if (!(inner instanceof Promise) && isRefusal(inner)) return inner
      statements.push(inner)
    }
    const whole = (all: readonly (JudgedStatement | Refusal)[]): Judged =>
      all.find(isRefusal) ?? { facts, statements: all as readonly JudgedStatement[] }
    return statements.some((one) => one instanceof Promise)
      ? Promise.all(statements.map((one) => Promise.resolve(one))).then(whole)
      : whole(statements as JudgedStatement[])
  }

  /** What EXECUTE or FETCH stands for; undefined where the statement names nothing. */
  #named(statement: StatementAnalysis): readonly Prepared[] | undefined {
    for (const effect of statement.effects) {
      // A name that nobody made: the server will say so. What a function may have made by that name stays unknown.
      if (effect.kind === 'execute') return this.#parts.statements.candidates(effect.name)
      if (effect.kind === 'fetch') return this.#parts.cursors.candidates(effect.cursor)
    }
    return undefined
  }

  /** Proposes what the statement names, so that statements after it in the same text find it. */
  #effects(text: string, statement: StatementAnalysis): Effect[] {
    const { statements, cursors } = this.#parts
    const effects: Effect[] = []
    const inner = (of: InnerStatement): Prepared => ({ text, typeIds: [], inner: of })
    for (const effect of statement.effects) {
      switch (effect.kind) {
        case 'prepare': {
          const prepared = inner(effect.inner)
          statements.propose(effect.name, prepared)
          effects.push({ kind: 'prepare', name: effect.name, prepared })
          break
        }
        case 'declare': {
          const prepared = inner(effect.inner)
          cursors.propose(effect.cursor, prepared)
          effects.push({ kind: 'declare', name: effect.cursor, prepared })
          break
        }
        case 'deallocate':
          effects.push({ kind: 'deallocate', ...(effect.name === undefined ? {} : { name: effect.name }) })
          break
        case 'close-cursor':
          effects.push({
            kind: 'close-cursor',
            ...(effect.cursor === undefined ? {} : { name: effect.cursor }),
          })
          break
        case 'discard':
          if (effect.what === 'all')
            effects.push({ kind: 'discard-all' }, { kind: 'search-path', value: undefined, isLocal: false })
          break
        case 'set':
          if (effect.name === 'search_path')
            effects.push({ kind: 'search-path', value: effect.value, isLocal: effect.isLocal })
          break
        case 'reset-all':
          effects.push({ kind: 'search-path', value: undefined, isLocal: false })
          break
        case 'ddl':
          effects.push({ kind: 'ddl' })
          break
        case 'transaction':
          if (effect.step === 'rollback-to') effects.push({ kind: 'rollback-to' })
          break
        case 'execute':
        case 'fetch':
          break
      }
    }
    return effects
  }
}

/** Columns that cannot be told, of a statement that touches nothing tagged, need no hiding. */
function outputsOf({ outputs, tags }: StatementAnalysis): JudgedStatement['outputs'] {
  return outputs === 'unknown' && tags.length === 0 ? 'untainted' : outputs
}

/** A statement whose effects do not matter here. */
function plain(statement: StatementAnalysis): JudgedStatement {
  return { outputs: outputsOf(statement), copy: statement.copy, effects: [] }
}

function andThen<A, B>(value: A | Promise<A>, use: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(use) : use(value)
}
