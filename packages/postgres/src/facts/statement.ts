import { isRefusal } from '@sallyport/core'
import type {
  CopyStmt,
  CreateTableAsStmt,
  DeclareCursorStmt,
  ExplainStmt,
  Node,
  PrepareStmt,
  SelectStmt,
  ViewStmt,
} from '@pgsql/types'
import type {
  CopyAnalysis,
  InnerStatement,
  OutputColumn,
  SessionEffect,
  StatementAnalysis,
} from './analysis.ts'
import { copyOptions } from './copy.ts'
import { exposeByDdl } from './ddl.ts'
import { Draft } from './draft.ts'
import { nothing, type Rows } from './lineage/flow.ts'
import { relationRows } from './lineage/from.ts'
import { Tracer } from './lineage/tracer.ts'
import { words, type Names } from './names.ts'
import { open } from './nodes.ts'
import { effectsOf } from './session-effects.ts'
import { constantText, definitions } from './settings.ts'
import { statementTable } from './statements.ts'
import { Walk } from './walk.ts'

/** How statements are looked at. */
export interface Lens {
  readonly names: Names
  readonly isStrict: boolean
}

/** Fills `draft` with what one statement does, and says what it returns. */
export function analyseStatement(
  node: Node,
  draft: Draft,
  lens: Lens,
  isPlanOnly = false,
): StatementAnalysis {
  if ('ExplainStmt' in node) return analyseExplain(node.ExplainStmt, draft, lens)
  if ('PrepareStmt' in node) return analysePrepare(node.PrepareStmt, draft, lens)
  if ('DeclareCursorStmt' in node) return analyseDeclare(node.DeclareCursorStmt, draft, lens)
  if ('CopyStmt' in node) return analyseCopy(node.CopyStmt, draft, lens)
  if ('CreateTableAsStmt' in node) return analyseCreateAs(node.CreateTableAsStmt, draft, lens, isPlanOnly)
  if ('ViewStmt' in node) return analyseView(node.ViewStmt, draft, lens)
  const [type, fields] = open(node) ?? ['', {}]
  new Walk(draft, lens.names, isPlanOnly).statement(type, fields)
  if (isQuery(node)) return analyseQuery(node, draft, lens, isPlanOnly)
  exposeByDdl(draft, type, fields, lens.isStrict, lens.names.snapshot.allTags)
  // Where its parameters go is not in this text.
  if (type === 'ExecuteStmt' && draft.isDynamic) draft.expose(lens.names.snapshot.allTags)
  const kind = statementTable[type]?.[0] ?? 'unparsed'
  return plain(
    kind,
    draft,
    returned[type] ?? 'none',
    effectsOf(type, fields),
    type === 'CallStmt' ? lens : undefined,
  )
}

/** Of statements whose columns their own text does not tell; all others return nothing. */
const returned: Readonly<Record<string, 'unknown'>> = {
  ExecuteStmt: 'unknown',
  FetchStmt: 'unknown',
  CallStmt: 'unknown',
  VariableShowStmt: 'unknown',
}

function plain(
  kind: string,
  draft: Draft,
  outputs: StatementAnalysis['outputs'],
  effects: readonly SessionEffect[],
  tainting?: Lens,
): StatementAnalysis {
  const tags = tainting === undefined ? [] : tainting.names.snapshot.allTags
  return { kind, outputs, tags, effects: [...effects, ...changes(draft)] }
}

/** What it changes for the session beyond what its kind says. */
function changes(draft: Draft): readonly SessionEffect[] {
  const effects: SessionEffect[] = [...draft.sets]
  if (draft.actions.has('ddl') || draft.actions.has('unparsed')) effects.push({ kind: 'ddl' })
  if (draft.isDynamic) effects.push({ kind: 'opaque' })
  return effects
}

function isQuery(node: Node): boolean {
  return ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'].some((type) => type in node)
}

function analyseQuery(node: Node, draft: Draft, lens: Lens, isPlanOnly: boolean): StatementAnalysis {
  const [type, fields] = open(node) ?? ['', {}]
  const tracer = new Tracer(draft, lens.names, lens.isStrict)
  const rows = tracer.statement(node)
  const kind = statementTable[type]?.[0] ?? 'unparsed'
  const select: SelectStmt = type === 'SelectStmt' ? fields : {}
  if (leftmost(select).intoClause !== undefined && !isPlanOnly) tracer.launder(rows.all)
  const returnsRows =
    type === 'SelectStmt' ? leftmost(select).intoClause === undefined : 'returningClause' in fields
  return {
    kind,
    outputs: returnsRows ? outputsOf(rows) : 'none',
    tags: returnsRows ? rows.all.tags : [],
    effects: changes(draft),
  }
}

/** INTO stands in the first arm of a set operation. */
function leftmost(select: SelectStmt): SelectStmt {
  let here = select
  while (here.larg !== undefined) here = here.larg
  return here
}

function outputsOf(rows: Rows): readonly OutputColumn[] | 'unknown' {
  if (rows.columns === undefined) return 'unknown'
  return rows.columns.map(({ name, flow }) => ({ name, tags: flow.tags, column: flow.column }))
}

/** Options may come more than once; the last counts. @see PostgreSQL commands/explain_state.c, ParseExplainOptionList */
function analyseExplain(explain: ExplainStmt, draft: Draft, lens: Lens): StatementAnalysis {
  const runs = definitions(explain.options)
    .filter((option) => option.defname === 'analyze')
    .map((option) => !isOff(constantText(option.arg)))
  const isRun = runs.at(-1) === true
  draft.kinds.add('explain')
  const inner = explain.query === undefined ? undefined : analyseStatement(explain.query, draft, lens, !isRun)
  if (draft.actions.size === 0 || !isRun) draft.actions.add('read')
  // A plan shows constants, and a function that is said to be immutable has become one.
  const tags = draft.isDynamic ? lens.names.snapshot.allTags : []
  const outputs = [{ name: 'QUERY PLAN', tags, column: undefined }]
  // Even where it runs, it declares no cursor.
  const effects = (inner?.effects ?? []).filter(({ kind }) =>
    isRun ? kind !== 'declare' : kind === 'execute',
  )
  return { kind: 'explain', outputs, tags, effects }
}

function isOff(value: string | undefined): boolean {
  return value !== undefined && ['off', 'false', '0', 'no'].includes(value.toLowerCase())
}

function analysePrepare(prepare: PrepareStmt, draft: Draft, lens: Lens): StatementAnalysis {
  const inner = analyseInner(prepare.query, draft, lens)
  draft.kinds.add('prepare')
  draft.actions.add('session')
  return plain('prepare', draft, 'none', [{ kind: 'prepare', name: prepare.name ?? '', inner }])
}

function analyseDeclare(declare: DeclareCursorStmt, draft: Draft, lens: Lens): StatementAnalysis {
  const inner = analyseInner(declare.query, draft, lens)
  draft.kinds.add('declare')
  draft.actions.add('session')
  const options = declare.options ?? 0
  return plain('declare', draft, 'none', [
    {
      kind: 'declare',
      cursor: declare.portalname ?? '',
      isBinary: (options & cursorBinary) !== 0,
      isHoldable: (options & cursorHold) !== 0,
      inner,
    },
  ])
}

/** @see PostgreSQL nodes/parsenodes.h, CURSOR_OPT_BINARY and CURSOR_OPT_HOLD */
const cursorBinary = 0x0001
const cursorHold = 0x0020

function analyseInner(query: Node | undefined, outer: Draft, lens: Lens): InnerStatement {
  const draft = new Draft()
  const statement: StatementAnalysis =
    query === undefined
      ? { kind: 'unparsed', outputs: 'unknown', tags: lens.names.snapshot.allTags, effects: [] }
      : analyseStatement(query, draft, lens)
  if (query === undefined) draft.unparsed()
  outer.absorb(draft)
  return { facts: draft.finish(), statement }
}

function analyseCopy(copy: CopyStmt, draft: Draft, lens: Lens): StatementAnalysis {
  new Walk(draft, lens.names, false).statement('CopyStmt', copy)
  const tracer = new Tracer(draft, lens.names, lens.isStrict)
  const rows = copiedRows(copy, tracer, lens)
  const kind = copy.is_from === true ? 'copy_from' : 'copy_to'
  if (copy.filename !== undefined) {
    if (copy.is_from !== true) tracer.launder(rows.all)
    // A program may read anything, and files of the server hold what its tables hold.
    if (copy.is_from === true || copy.is_program === true) draft.expose(lens.names.snapshot.allTags)
    return plain(kind, draft, 'none', [])
  }
  const options = copyOptions(copy, outputsOf(rows))
  if (isRefusal(options)) {
    draft.refusal ??= options
    return plain(kind, draft, 'none', [])
  }
  const tags = copy.is_from === true ? [] : rows.all.tags
  return withCopy({ kind, outputs: 'none', tags, effects: changes(draft) }, options)
}

function withCopy(statement: StatementAnalysis, copy: CopyAnalysis): StatementAnalysis {
  return { ...statement, copy }
}

/** COPY of a table leaves generated columns out, unless they are named. */
function copiedRows(copy: CopyStmt, tracer: Tracer, lens: Lens): Rows {
  if (copy.query !== undefined) return tracer.statement(copy.query)
  if (copy.relation === undefined) return { columns: undefined, all: nothing }
  const located = lens.names.relation(copy.relation)
  const rows = relationRows(lens.names, located)
  if (rows.columns === undefined) return rows
  const named = copy.attlist === undefined ? undefined : words(copy.attlist)
  const generated = new Set(
    (located.relation?.columns ?? []).filter((column) => column.isGenerated).map((column) => column.name),
  )
  const columns =
    named === undefined
      ? rows.columns.filter((column) => !generated.has(column.name))
      : named.map((name) => rows.columns?.find((column) => column.name === name) ?? { name, flow: rows.all })
  if (copy.is_from !== true)
    for (const { flow } of columns) for (const one of flow.sources) tracer.draft.columns.add(one)
  return { columns, all: rows.all }
}

/** A copy of tagged values where no tag is. What EXECUTE would copy is not known. */
function analyseCreateAs(
  create: CreateTableAsStmt,
  draft: Draft,
  lens: Lens,
  isPlanOnly: boolean,
): StatementAnalysis {
  new Walk(draft, lens.names, isPlanOnly).statement('CreateTableAsStmt', create)
  const kind = create.objtype === 'OBJECT_MATVIEW' ? 'create_materialized_view' : 'create_table_as'
  draft.kinds.add(kind)
  const effects: SessionEffect[] = []
  if (create.query !== undefined && 'ExecuteStmt' in create.query) {
    effects.push({ kind: 'execute', name: create.query.ExecuteStmt.name ?? '' })
    draft.expose(lens.names.snapshot.allTags)
  } else if (create.query !== undefined) {
    const tracer = new Tracer(draft, lens.names, lens.isStrict)
    tracer.launder(tracer.statement(create.query).all)
  }
  return plain(kind, draft, 'none', effects)
}

function analyseView(view: ViewStmt, draft: Draft, lens: Lens): StatementAnalysis {
  new Walk(draft, lens.names, false).statement('ViewStmt', view)
  if (view.query !== undefined) {
    const tracer = new Tracer(draft, lens.names, lens.isStrict)
    tracer.launder(tracer.statement(view.query).all)
  }
  return plain('create_view', draft, 'none', [])
}
