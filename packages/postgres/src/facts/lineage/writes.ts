import type {
  DeleteStmt,
  InsertStmt,
  MergeStmt,
  Node,
  RangeVar,
  ReturningClause,
  UpdateStmt,
} from '@pgsql/types'
import { columnOf } from './columns.ts'
import { nothing, range, rowsOf, type Flow, type Rows, type Scope, type Tracing } from './flow.ts'
import { relationRows, traceFrom } from './from.ts'
import { traceTargets, traceWith } from './select.ts'

/** INSERT, UPDATE, DELETE and MERGE: what they return, and whether they carry a tagged value to where it has no tag. */
export function traceWrite(tracing: Tracing, node: Node, outer: Scope): Rows {
  if ('InsertStmt' in node) return traceInsert(tracing, node.InsertStmt, outer)
  if ('UpdateStmt' in node) return traceUpdate(tracing, node.UpdateStmt, outer)
  if ('DeleteStmt' in node) return traceDelete(tracing, node.DeleteStmt, outer)
  if ('MergeStmt' in node) return traceMerge(tracing, node.MergeStmt, outer)
  return rowsOf([])
}

interface Target {
  readonly rows: Rows
  readonly scope: Scope
}

function open(tracing: Tracing, relation: RangeVar | undefined, ctes: Scope['ctes'], outer: Scope): Target {
  const located = relation === undefined ? undefined : tracing.names.relation(relation)
  const rows = located === undefined ? rowsOf([]) : relationRows(tracing.names, located)
  const alias = relation?.alias?.aliasname ?? relation?.relname ?? ''
  const schema = relation?.alias === undefined ? located?.path.at(-2) : undefined
  return { rows, scope: { ranges: [range(alias, rows, schema)], outer: { ...outer, ctes }, ctes } }
}

function traceInsert(tracing: Tracing, insert: InsertStmt, outer: Scope): Rows {
  const ctes = traceWith(tracing, insert.withClause, outer)
  const { rows, scope } = open(tracing, insert.relation, ctes, outer)
  if (insert.selectStmt !== undefined) {
    const source = tracing.query(insert.selectStmt, { ranges: [], outer, ctes })
    const names = insert.cols?.map(targetName) ?? rows.columns?.map((column) => column.name)
    if (source.columns === undefined) tracing.launder(source.all)
    else source.columns.forEach(({ flow }, position) => assign(tracing, rows, names?.[position], flow))
  }
  const conflict = insert.onConflictClause
  if (conflict !== undefined) {
    const inner = { ...scope, ranges: [...scope.ranges, range('excluded', rows)] }
    assignAll(tracing, rows, conflict.targetList, inner)
    for (const condition of [conflict.whereClause, conflict.infer?.whereClause])
      if (condition !== undefined) tracing.filter(tracing.expression(condition, inner))
    for (const node of conflict.infer?.indexElems ?? [])
      if ('IndexElem' in node) tracing.compute([tracing.expression(node.IndexElem.expr, inner)])
  }
  return returning(tracing, insert.returningClause, rows, [rows], scope)
}

function traceUpdate(tracing: Tracing, update: UpdateStmt, outer: Scope): Rows {
  const ctes = traceWith(tracing, update.withClause, outer)
  const { rows, scope } = open(tracing, update.relation, ctes, outer)
  const items = (update.fromClause ?? []).map((item) => traceFrom(tracing, item, scope))
  if (update.whereClause !== undefined) tracing.filter(tracing.expression(update.whereClause, scope))
  assignAll(tracing, rows, update.targetList, scope)
  return returning(tracing, update.returningClause, rows, [rows, ...items], scope)
}

function traceDelete(tracing: Tracing, statement: DeleteStmt, outer: Scope): Rows {
  const ctes = traceWith(tracing, statement.withClause, outer)
  const { rows, scope } = open(tracing, statement.relation, ctes, outer)
  const items = (statement.usingClause ?? []).map((item) => traceFrom(tracing, item, scope))
  if (statement.whereClause !== undefined) tracing.filter(tracing.expression(statement.whereClause, scope))
  return returning(tracing, statement.returningClause, rows, [rows, ...items], scope)
}

/** RETURNING * gives the source's columns first. */
function traceMerge(tracing: Tracing, merge: MergeStmt, outer: Scope): Rows {
  const ctes = traceWith(tracing, merge.withClause, outer)
  const { rows, scope } = open(tracing, merge.relation, ctes, outer)
  const source =
    merge.sourceRelation === undefined ? rowsOf([]) : traceFrom(tracing, merge.sourceRelation, scope)
  if (merge.joinCondition !== undefined) tracing.filter(tracing.expression(merge.joinCondition, scope))
  for (const node of merge.mergeWhenClauses ?? []) {
    if (!('MergeWhenClause' in node)) continue
    const { condition, targetList, values } = node.MergeWhenClause
    if (condition !== undefined) tracing.filter(tracing.expression(condition, scope))
    if (values === undefined) assignAll(tracing, rows, targetList, scope)
    else {
      const names = targetList?.map(targetName) ?? rows.columns?.map((column) => column.name)
      values.forEach((value, position) =>
        assign(tracing, rows, names?.[position], tracing.expression(value, scope)),
      )
    }
  }
  return returning(tracing, merge.returningClause, rows, [source, rows], scope)
}

function returning(
  tracing: Tracing,
  clause: ReturningClause | undefined,
  rows: Rows,
  items: readonly Rows[],
  scope: Scope,
): Rows {
  if (clause === undefined) return rowsOf([])
  const renames = (clause.options ?? []).flatMap((node) =>
    'ReturningOption' in node ? (node.ReturningOption.value ?? '') : [],
  )
  const versions = ['old', 'new', ...renames].map((alias) => range(alias, rows))
  return traceTargets(tracing, clause.exprs, items, scopeWith(scope, versions))
}

/** A table of the statement that is itself called `old` or `new` comes first. */
function scopeWith(scope: Scope, versions: Scope['ranges']): Scope {
  return { ...scope, outer: { ranges: versions, outer: scope.outer, ctes: scope.ctes } }
}

function assignAll(tracing: Tracing, rows: Rows, targets: readonly Node[] | undefined, scope: Scope): void {
  for (const node of targets ?? []) {
    if (!('ResTarget' in node)) continue
    assign(tracing, rows, targetName(node), tracing.expression(node.ResTarget.val, scope))
  }
}

/** A value that keeps all its tags stays known; any other is lost sight of. */
function assign(tracing: Tracing, rows: Rows, name: string | undefined, flow: Flow): void {
  const target = name === undefined ? undefined : columnOf(rows, name)
  const kept = new Set((target ?? nothing).tags)
  if (flow.tags.some((tag) => !kept.has(tag))) tracing.launder(flow)
}

function targetName(node: Node): string {
  return 'ResTarget' in node ? (node.ResTarget.name ?? '') : ''
}
