import { asFault, type BlastRadius, type Facts, type Session } from '@sallyport/core'
import type { ClientEncoding } from './client-encoding.ts'
import { openBeside } from './databases.ts'
import type { ScramKeyring } from './login/scram-keys.ts'
import type { PostgresOperation } from './operations.ts'
import type { PostgresOptions } from './options.ts'
import type { PathState } from './path-state.ts'
import { AnswerError, type Question, type SideConnection } from './side-connection.ts'

export interface EstimateParts {
  readonly session: Session<PostgresOptions>
  readonly database: string
  readonly keyring: ScramKeyring
  readonly searchPath: Pick<PathState, 'current'>
  readonly encoding: Pick<ClientEncoding, 'isUtf8Throughout'>
}

/**
 * How many rows a statement would touch, as the server's planner estimates: EXPLAIN, which does not run it, by the same account, on
 * the same database and path, on a connection of its own. Never throws: what cannot be estimated says why.
 *
 * Planning evaluates functions that are immutable or stable where their arguments are constants. So only statements are planned that
 * name no function but PostgreSQL's own, and under a transaction that is read-only: what an operator, a type or a view brings with it
 * may not write either.
 */
export async function blastRadiusOf(
  parts: EstimateParts,
  asked: PostgresOperation,
  signal: AbortSignal,
): Promise<BlastRadius> {
  const question = questionOf(parts, asked)
  if (typeof question === 'string') return unknown(question)
  const path = parts.searchPath.current()
  if ('kind' in path) return unknown('its search_path cannot be told')
  const patience = AbortSignal.any([signal, parts.session.signal, AbortSignal.timeout(patienceMs)])
  let side: SideConnection | undefined
  try {
    side = await openBeside(parts.session, parts.database, parts.keyring, patience)
    await side.query(settings(path))
    await side.query('begin read only')
    const plan = await side.ask(question)
    return rowsOf(plan[0]?.[0] ?? '')
  } catch (thrown) {
    return unknown(whyNot(thrown, patience))
  } finally {
    // The server rolls back what ends like this.
    side?.end()
  }
}

/** What to ask the planner; or why it is not asked. */
function questionOf({ encoding }: EstimateParts, asked: PostgresOperation): Question | string {
  const [facts, second] = asked.judgement?.facts ?? []
  if (facts === undefined || second !== undefined || !isPlain(facts))
    return 'only a single plain SELECT, INSERT, UPDATE, DELETE or MERGE is estimated'
  const text = `explain (format json) ${asked.text}`
  if (asked.kind === 'query') return { text, typeIds: [], parameters: [] }
  const [prepared, other] = asked.kind === 'bind' ? asked.candidates : []
  if (prepared === undefined || other !== undefined || prepared.at !== undefined)
    return 'what its name stands for cannot be told'
  const isBinary = asked.parameters.some((value) => value !== null && typeof value !== 'string')
  if (isBinary && !encoding.isUtf8Throughout) return 'its parameters are not in UTF-8'
  return { text, typeIds: prepared.typeIds, parameters: asked.parameters }
}

function isPlain({ actions, context }: Facts): boolean {
  const { dynamic, kinds, functions, settings: changed } = context
  return (
    dynamic === false &&
    actions.every((action) => plainActions.has(action)) &&
    areAll(kinds, (kind) => plainKinds.has(kind)) &&
    areAll(functions, (name) => name.startsWith('pg_catalog.')) &&
    areAll(changed, () => false)
  )
}

function areAll(words: unknown, suits: (word: string) => boolean): boolean {
  return Array.isArray(words) && words.every((word) => typeof word === 'string' && suits(word))
}

/** As statements are read in the client's session; and limits. */
function settings(path: readonly string[]): string {
  const schemas = path.map((schema) => `"${schema.replaceAll('"', '""')}"`).join(', ')
  return [
    'set standard_conforming_strings = on',
    `set statement_timeout = ${planMs}`,
    `set lock_timeout = ${lockMs}`,
    'set default_transaction_read_only = on',
    `set search_path = ${schemas === '' ? "''" : schemas}`,
  ].join('; ')
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Plan Rows': number
  readonly 'Parent Relationship'?: string
  readonly Plans?: readonly PlanNode[]
}

/**
 * Of what changes rows: those that come to it from below, wherever it stands in the plan. Of anything else: those that it returns.
 * @see https://www.postgresql.org/docs/18/sql-explain.html
 */
function rowsOf(text: string): BlastRadius {
  const [planned] = JSON.parse(text) as { Plan: PlanNode }[]
  if (planned === undefined) return unknown('the server gave no plan')
  const changing = nodesOf(planned.Plan).filter((node) => node['Node Type'] === 'ModifyTable')
  const rows =
    changing.length === 0
      ? planned.Plan['Plan Rows']
      : changing
          .flatMap(({ Plans = [] }) => Plans.filter(isSource))
          .reduce((sum, node) => sum + node['Plan Rows'], 0)
  return Number.isFinite(rows) ? { kind: 'rows', rows } : unknown('the server gave no number')
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

const isSource = (node: PlanNode): boolean =>
  node['Parent Relationship'] === 'Outer' || node['Parent Relationship'] === 'Member'

/** Never the server's words, which may quote data. */
function whyNot(thrown: unknown, patience: AbortSignal): string {
  if (patience.aborted) return `the server did not answer within ${patienceMs / 1000} s`
  if (thrown instanceof AnswerError)
    return `the server did not plan it on a connection of its own (${thrown.state})`
  return `the server could not be asked (${asFault(thrown).code})`
}

function unknown(why: string): BlastRadius {
  return { kind: 'unknown', why }
}

const plainActions: ReadonlySet<string> = new Set(['read', 'insert', 'update', 'delete'])
const plainKinds: ReadonlySet<string> = new Set(['select', 'insert', 'update', 'delete', 'merge'])

/** The whole of it, log-in included: whoever asks waits for it before reviewers are asked. */
const patienceMs = 3_000
const planMs = 2_000
const lockMs = 500
