import { isRefusal, refusal, type Facts, type Refusal } from '@sallyport/core'
import type { StatementAnalysis } from '../facts/analysis.ts'
import type { Cursor, JudgedStatement, Judgement, LateName } from '../operations.ts'
import { effectsOf } from './effects.ts'

export type Judged = Judgement | Refusal

/** More meanings than this are not judged together. */
const maxCandidates = 64

/** A statement, but for what it does to the session. */
export function plain(statement: StatementAnalysis, searchPath: readonly string[]): JudgedStatement {
  const { kind, copy } = statement
  const bare = { outputs: outputsOf(statement), copy, effects: [] }
  return planned.has(kind) ? bare : { ...bare, late: { searchPath, names: [] } }
}

/** Columns that cannot be told, of a statement that touches nothing tagged, need no hiding. */
function outputsOf({ outputs, tags }: StatementAnalysis): JudgedStatement['outputs'] {
  return outputs === 'unknown' && tags.length === 0 ? 'untainted' : outputs
}

/** Statements that name nothing. */
export const nameless: ReadonlySet<string> = new Set(['set', 'transaction'])
/** And those that the server plans when they are bound; all others look up names when they run. */
const planned: ReadonlySet<string> = new Set([...nameless, 'select', 'insert', 'update', 'delete', 'merge'])

/** Rows of a cursor. What its statement does besides, it does when they are fetched, which may be never. */
export function fetched({ inner, text }: Cursor): Judgement {
  const { facts, statement } = inner
  const effects = effectsOf(statement, text, 0).map((effect) =>
    effect.kind === 'search-path' ? { ...effect, isUncertain: true } : effect,
  )
  return { facts: [facts], statements: [{ outputs: outputsOf(statement), copy: statement.copy, effects }] }
}

/** The same, where it may be of anything. */
export function uncertain(judged: Judged): Judged {
  if (isRefusal(judged)) return judged
  return { ...judged, statements: judged.statements.map((one) => ({ ...one, outputs: 'unknown' })) }
}

/** Where it may be any of several, it is judged as all of them, and its rows as any of them. */
export function anyOf(judged: readonly (Judged | Promise<Judged>)[]): Judged | Promise<Judged> {
  if (judged.length > maxCandidates) {
    return refusal(
      'too-complex',
      'this name was redefined too often without waiting for an answer',
      'Wait for the answers, then send it again.',
    )
  }
  return judged.some((one) => one instanceof Promise)
    ? Promise.all(judged.map((one) => Promise.resolve(one))).then(join)
    : join(judged as Judged[])
}

function join(all: readonly Judged[]): Judged {
  const facts: Facts[] = []
  const statements: JudgedStatement[] = []
  for (const one of all) {
    if (isRefusal(one)) return one
    facts.push(...one.facts)
    statements.push(...one.statements)
  }
  if (statements.length === 1) return { facts, statements }
  const effects = statements.flatMap((statement) => statement.effects)
  const late = joinLate(statements)
  return {
    facts,
    statements: [{ outputs: 'unknown', copy: undefined, effects, ...(late === undefined ? {} : { late }) }],
  }
}

/** What any of these looks up when it runs, and one name more. */
export function joinLate(statements: readonly JudgedStatement[], named?: LateName): JudgedStatement['late'] {
  const all = statements.flatMap(({ late }) => late ?? [])
  const names = [...all.flatMap((late) => late.names), ...(named === undefined ? [] : [named])]
  const [first] = all
  return first === undefined ? undefined : { searchPath: first.searchPath, names }
}

export function andThen<A, B>(value: A | Promise<A>, use: (value: A) => B | Promise<B>): B | Promise<B> {
  return value instanceof Promise ? value.then(use) : use(value)
}
