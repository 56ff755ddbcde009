import type { A_Indirection, CommonTableExpr, Node, ResTarget, SelectStmt, WithClause } from '@pgsql/types'
import { words } from '../names.ts'
import { findColumn, findRange } from './columns.ts'
import { traceWindow } from './expressions.ts'
import {
  merge,
  nothing,
  renamed,
  rowsOf,
  tainted,
  type Ctes,
  type Flow,
  type Output,
  type Rows,
  type Scope,
  type Tracing,
} from './flow.ts'
import { traceFrom } from './from.ts'
import { outputName } from './output-name.ts'

export function traceSelect(tracing: Tracing, select: SelectStmt, outer: Scope): Rows {
  const ctes = traceWith(tracing, select.withClause, outer)
  const scope: Scope = { ranges: [], outer: { ...outer, ctes }, ctes }
  const rows =
    select.op !== undefined && select.op !== 'SETOP_NONE'
      ? traceSetOperation(tracing, select, scope)
      : select.valuesLists !== undefined
        ? traceValues(tracing, select.valuesLists, scope)
        : traceBody(tracing, select, scope)
  for (const node of select.sortClause ?? [])
    if ('SortBy' in node) tracing.filter(keyFlow(tracing, node.SortBy.node, rows, scope))
  tracing.compute([select.limitCount, select.limitOffset].map((node) => tracing.expression(node, scope)))
  return rows
}

function traceBody(tracing: Tracing, select: SelectStmt, scope: Scope): Rows {
  const items = (select.fromClause ?? []).map((node) => traceFrom(tracing, node, scope))
  if (select.whereClause !== undefined) tracing.filter(tracing.expression(select.whereClause, scope))
  const rows = traceTargets(tracing, select.targetList, items, scope)
  for (const node of select.groupClause ?? []) groupBy(tracing, node, rows, scope)
  if (select.havingClause !== undefined) tracing.filter(tracing.expression(select.havingClause, scope))
  for (const node of select.windowClause ?? [])
    if ('WindowDef' in node) traceWindow(tracing, node.WindowDef, scope)
  if (select.distinctClause !== undefined) {
    const on = select.distinctClause.filter((node) => Object.keys(node).length > 0)
    if (on.length === 0) tracing.filter(rows.all)
    for (const node of on) tracing.filter(keyFlow(tracing, node, rows, scope))
  }
  return rows
}

function groupBy(tracing: Tracing, node: Node, rows: Rows, scope: Scope): void {
  if ('GroupingSet' in node)
    for (const inner of node.GroupingSet.content ?? []) groupBy(tracing, inner, rows, scope)
  else if ('RowExpr' in node)
    for (const inner of node.RowExpr.args ?? []) groupBy(tracing, inner, rows, scope)
  else tracing.filter(keyFlow(tracing, node, rows, scope))
}

/** A key of ORDER BY, GROUP BY or DISTINCT ON: an output by number or name, or an expression. */
function keyFlow(tracing: Tracing, node: Node | undefined, rows: Rows, scope: Scope): Flow {
  if (node === undefined) return nothing
  if ('A_Const' in node && node.A_Const.ival !== undefined)
    return rows.columns?.[(node.A_Const.ival.ival ?? 0) - 1]?.flow ?? rows.all
  if ('ColumnRef' in node) {
    const name = words(node.ColumnRef.fields)
    const outputs = name.length === 1 ? (rows.columns ?? []).filter((column) => column.name === name[0]) : []
    if (outputs.length > 0)
      return merge([...outputs.map((output) => output.flow), findColumn(tracing, name, scope) ?? nothing])
    if (rows.columns === undefined && name.length === 1)
      return merge([rows.all, tracing.expression(node, scope)])
  }
  return tracing.expression(node, scope)
}

/** The target list, or RETURNING. `items` is what a bare `*` stands for. */
export function traceTargets(
  tracing: Tracing,
  targets: readonly Node[] | undefined,
  items: readonly Rows[],
  scope: Scope,
): Rows {
  const columns: Output[] = []
  let unknown: Flow[] | undefined
  for (const node of targets ?? []) {
    if (!('ResTarget' in node)) continue
    const star = starOf(tracing, node.ResTarget, items, scope)
    if (star === undefined) {
      const flow = tracing.expression(node.ResTarget.val, scope)
      if (tracing.isStrict && isWholeRow(node.ResTarget.val, scope)) tracing.compute([flow])
      columns.push({ name: node.ResTarget.name ?? outputName(node.ResTarget.val), flow })
      continue
    }
    for (const rows of star) {
      if (rows.columns === undefined) unknown = [...(unknown ?? []), rows.all]
      else columns.push(...rows.columns)
      for (const source of rows.all.sources) tracing.draft.columns.add(source)
    }
  }
  const all = merge([...columns.map((column) => column.flow), ...(unknown ?? [])])
  return { columns: unknown === undefined ? columns : undefined, all }
}

/** The rows that `*`, `t.*` or `(t).*` stands for. */
function starOf(
  tracing: Tracing,
  target: ResTarget,
  items: readonly Rows[],
  scope: Scope,
): readonly Rows[] | undefined {
  const { val } = target
  if (val === undefined) return undefined
  if ('A_Indirection' in val) {
    const { arg, indirection = [] } = val.A_Indirection
    const last = indirection.at(-1)
    if (last === undefined || !('A_Star' in last)) return undefined
    const isNamed = arg !== undefined && 'ColumnRef' in arg && indirection.length === 1
    const range = isNamed ? findRange(words(arg.ColumnRef.fields), scope) : undefined
    return [range ?? spread(tracing, val, indirection, scope)]
  }
  if (!('ColumnRef' in val)) return undefined
  const last = val.ColumnRef.fields?.at(-1)
  if (last === undefined || !('A_Star' in last)) return undefined
  const name = words(val.ColumnRef.fields)
  if (name.length === 0) return items
  return [findRange(name, scope) ?? unknownStar(scope)]
}

/** `*` of a computed composite: as many columns as it has, each of which may carry what it was computed from. */
function spread(
  tracing: Tracing,
  { A_Indirection: composite }: { readonly A_Indirection: A_Indirection },
  indirection: readonly Node[],
  scope: Scope,
): Rows {
  const parts = indirection.slice(0, -1)
  const value = parts.length === 0 ? composite.arg : { A_Indirection: { ...composite, indirection: parts } }
  return { columns: undefined, all: tracing.compute([tracing.expression(value, scope)]) }
}

/** `*` of a name that nothing in sight has: it may spread anything in sight. */
function unknownStar(scope: Scope): Rows {
  const flows: Flow[] = []
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer)
    for (const { all } of here.ranges) flows.push(all)
  return { columns: undefined, all: merge(flows) }
}

function isWholeRow(node: Node | undefined, scope: Scope): boolean {
  if (node === undefined || !('ColumnRef' in node)) return false
  const name = words(node.ColumnRef.fields)
  const range = name.length === 1 ? findRange(name, scope) : undefined
  return range !== undefined && !(range.columns ?? []).some((column) => column.name === name[0])
}

function traceValues(tracing: Tracing, lists: readonly Node[], scope: Scope): Rows {
  const rows = lists.map((list) =>
    'List' in list ? (list.List.items ?? []).map((item) => tracing.expression(item, scope)) : [],
  )
  const width = rows[0]?.length ?? 0
  return rowsOf(
    Array.from({ length: width }, (_, position) => ({
      name: `column${position + 1}`,
      flow: merge(rows.map((row) => row[position] ?? nothing)),
    })),
  )
}

/** UNION ALL only puts rows together; every other form compares them. */
function traceSetOperation(tracing: Tracing, select: SelectStmt, scope: Scope): Rows {
  const arms: Rows[] = []
  let compares = false
  let here = select
  while (
    here.op !== undefined &&
    here.op !== 'SETOP_NONE' &&
    (here === select || here.withClause === undefined)
  ) {
    compares ||= here.op !== 'SETOP_UNION' || here.all !== true
    if (here.rarg !== undefined) arms.unshift(traceSelect(tracing, here.rarg, inside(scope)))
    if (here.larg === undefined) break
    here = here.larg
    const { sortClause, limitCount, limitOffset } = here
    if (sortClause !== undefined || limitCount !== undefined || limitOffset !== undefined) break
  }
  if (here !== select) arms.unshift(traceSelect(tracing, here, inside(scope)))
  const rows = union(arms)
  if (compares) tracing.filter(rows.all)
  return rows
}

function inside(scope: Scope): Scope {
  return { ranges: [], outer: scope.outer, ctes: scope.ctes }
}

function union(arms: readonly Rows[]): Rows {
  const all = merge(arms.map((arm) => arm.all))
  const [first] = arms
  if (first?.columns === undefined || arms.some((arm) => arm.columns === undefined))
    return { columns: undefined, all }
  const columns = first.columns.map(({ name }, position) => ({
    name,
    flow: merge(arms.map((arm) => arm.columns?.[position]?.flow ?? nothing)),
  }))
  return { columns, all }
}

/** The CTEs in sight of a query, those of the queries around it included. */
export function traceWith(tracing: Tracing, withClause: WithClause | undefined, outer: Scope): Ctes {
  if (withClause === undefined) return outer.ctes
  const clauses: CommonTableExpr[] = (withClause.ctes ?? []).flatMap((node) =>
    'CommonTableExpr' in node ? node.CommonTableExpr : [],
  )
  return withClause.recursive === true
    ? traceInAnyOrder(tracing, clauses, outer)
    : traceInOrder(tracing, clauses, outer)
}

/** Each sees those before it. */
function traceInOrder(tracing: Tracing, clauses: readonly CommonTableExpr[], outer: Scope): Ctes {
  const traced = new Map<string, Rows>()
  const ctes: Ctes = { get: (name) => traced.get(name) ?? outer.ctes.get(name) }
  for (const cte of clauses) traced.set(cte.ctename ?? '', traceCte(tracing, cte, ctes, outer))
  return ctes
}

/** With RECURSIVE each sees all the others, also those behind it: it is traced when it is named for the first time. */
function traceInAnyOrder(tracing: Tracing, clauses: readonly CommonTableExpr[], outer: Scope): Ctes {
  const byName = new Map(clauses.map((cte) => [cte.ctename ?? '', cte]))
  const traced = new Map<string, Rows>()
  const ctes: Ctes = {
    get(name) {
      const cte = byName.get(name)
      if (cte === undefined) return outer.ctes.get(name)
      const known = traced.get(name)
      if (known !== undefined) return known
      // Two that name each other are refused by the server. Until one is traced, it may be anything.
      traced.set(name, { columns: undefined, all: tainted(tracing.names.snapshot.allTags) })
      const rows = traceRecursive(tracing, cte, ctes, outer)
      traced.set(name, rows)
      return rows
    },
  }
  for (const name of byName.keys()) ctes.get(name)
  return ctes
}

function withOne(ctes: Ctes, name: string, rows: Rows): Ctes {
  return { get: (asked) => (asked === name ? rows : ctes.get(asked)) }
}

function traceCte(tracing: Tracing, cte: CommonTableExpr, ctes: Ctes, outer: Scope): Rows {
  if (cte.ctequery === undefined) return rowsOf([])
  const rows = tracing.query(cte.ctequery, { ranges: outer.ranges, outer: outer.outer, ctes })
  return withSearch(tracing, cte, renamed(rows, words(cte.aliascolnames)))
}

/** Its rows feed it again, until no column derives from more than it did. */
function traceRecursive(tracing: Tracing, cte: CommonTableExpr, ctes: Ctes, outer: Scope): Rows {
  const query = cte.ctequery
  const name = cte.ctename ?? ''
  if (query === undefined || !('SelectStmt' in query) || query.SelectStmt.larg === undefined)
    return traceCte(tracing, cte, ctes, outer)
  const start = {
    SelectStmt: {
      ...query.SelectStmt.larg,
      ...(query.SelectStmt.withClause && { withClause: query.SelectStmt.withClause }),
    },
  }
  let rows = traceCte(tracing, { ...cte, ctequery: start }, withOne(ctes, name, rowsOf([])), outer)
  for (let round = 0; round < maxRounds; round++) {
    const next = traceCte(tracing, cte, withOne(ctes, name, rows), outer)
    if (next.all.tags.length === rows.all.tags.length && round > 0 && isSameTags(next, rows)) return next
    rows = next
  }
  return { columns: undefined, all: rows.all }
}

/** A tag moves one column further each round; more columns than this in a cycle are not told apart. */
const maxRounds = 16

function isSameTags(one: Rows, other: Rows): boolean {
  return (one.columns ?? []).every(
    (column, position) => column.flow.tags.length === other.columns?.[position]?.flow.tags.length,
  )
}

/** SEARCH and CYCLE compare rows, and add columns made of them. */
function withSearch(tracing: Tracing, cte: CommonTableExpr, rows: Rows): Rows {
  const { search_clause: search, cycle_clause: cycle } = cte
  const added = [search?.search_seq_column, cycle?.cycle_mark_column, cycle?.cycle_path_column].filter(
    (name) => name !== undefined,
  )
  if (added.length === 0) return rows
  tracing.filter(rows.all)
  const columns = rows.columns && [...rows.columns, ...added.map((name) => ({ name, flow: rows.all }))]
  return { columns, all: rows.all }
}
