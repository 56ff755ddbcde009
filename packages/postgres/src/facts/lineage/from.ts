import type { JoinExpr, JsonTable, Node, RangeFunction, RangeTableFunc, RangeVar } from '@pgsql/types'
import type { Relation } from '../../catalog/snapshot.ts'
import { isToast, words, type Located, type Names } from '../names.ts'
import { columnOf } from './columns.ts'
import { anything, runsMade, traceChildren } from './expressions.ts'
import {
  derived,
  merge,
  nothing,
  range,
  renamed,
  rowsOf,
  tainted,
  type Flow,
  type Output,
  type Range,
  type Rows,
  type Scope,
  type Tracing,
} from './flow.ts'

/** A FROM item: its rows in the order of `*`, its names added to the scope. */
export function traceFrom(tracing: Tracing, node: Node, scope: Scope): Rows {
  if ('RangeVar' in node) return traceRelation(tracing, node.RangeVar, scope)
  if ('JoinExpr' in node) return traceJoin(tracing, node.JoinExpr, scope)
  if ('RangeSubselect' in node) {
    const { subquery, lateral, alias } = node.RangeSubselect
    if (subquery === undefined) return rowsOf([])
    const outer = lateral === true ? scope : { ranges: [], outer: scope.outer, ctes: scope.ctes }
    return add(scope, alias?.aliasname, renamed(tracing.query(subquery, outer), words(alias?.colnames)))
  }
  if ('RangeFunction' in node) return traceFunctions(tracing, node.RangeFunction, scope)
  if ('RangeTableSample' in node) {
    const { relation, args, repeatable } = node.RangeTableSample
    tracing.compute([...(args ?? []), repeatable].map((arg) => tracing.expression(arg, scope)))
    return relation === undefined ? rowsOf([]) : traceFrom(tracing, relation, scope)
  }
  if ('RangeTableFunc' in node) return traceTableFunction(tracing, node, node.RangeTableFunc, scope)
  if ('JsonTable' in node) return traceTableFunction(tracing, node, node.JsonTable, scope)
  // not a FROM item that the grammar knows today
  const rows: Rows = { columns: undefined, all: tainted(tracing.names.snapshot.allTags) }
  return add(scope, undefined, rows)
}

function traceRelation(tracing: Tracing, name: RangeVar, scope: Scope): Rows {
  const alias = name.alias?.aliasname ?? name.relname ?? ''
  const names = words(name.alias?.colnames)
  const cte = name.schemaname === undefined ? scope.ctes.get(name.relname ?? '') : undefined
  if (cte !== undefined) return add(scope, alias, renamed(cte, names))
  const located = tracing.names.relation(name)
  const rows = renamed(relationRows(tracing.names, located), names)
  scope.ranges.push(range(alias, rows, name.alias === undefined ? located.path.at(-2) : undefined))
  return rows
}

/** What reading a relation yields. One that may be another than it seems carries what either does. */
export function relationRows(names: Names, located: Located): Rows {
  const { relation, rivals } = located
  if (isToast(located)) return { columns: undefined, all: tainted(names.snapshot.allTags) }
  if (relation === undefined || rivals.length > 0)
    return {
      columns: undefined,
      all: tainted([...new Set([relation, ...rivals].flatMap((one) => one?.tags ?? []))]),
    }
  return rowsOf(relation.columns.map((column) => ({ name: column.name, flow: columnFlow(relation, column) })))
}

function columnFlow(relation: Relation, column: Relation['columns'][number]): Flow {
  return {
    tags: column.tags,
    sources: [`${relation.schema}.${relation.name}.${column.name}`],
    column: column.isPlain ? column : undefined,
  }
}

/** @see https://www.postgresql.org/docs/18/queries-table-expressions.html#QUERIES-JOIN */
function traceJoin(tracing: Tracing, join: JoinExpr, scope: Scope): Rows {
  const left = join.larg === undefined ? rowsOf([]) : traceFrom(tracing, join.larg, scope)
  const right = join.rarg === undefined ? rowsOf([]) : traceFrom(tracing, join.rarg, scope)
  if (join.quals !== undefined) tracing.filter(tracing.expression(join.quals, scope))
  if (runsMade(tracing, 'JoinExpr', join)) tracing.filter(anything(tracing))
  const shared = join.isNatural === true ? commonNames(left, right) : words(join.usingClause)
  if (shared === undefined) tracing.filter(merge([left.all, right.all]))
  const merged = (shared ?? []).map((name) => mergeColumn(tracing, name, left, right))
  if (join.join_using_alias?.aliasname !== undefined)
    scope.ranges.push(range(join.join_using_alias.aliasname, rowsOf(merged)))
  const rows = joined(left, right, merged, shared)
  if (join.alias?.aliasname === undefined) return rows
  return add(scope, join.alias.aliasname, renamed(rows, words(join.alias.colnames)))
}

function commonNames(left: Rows, right: Rows): readonly string[] | undefined {
  if (left.columns === undefined || right.columns === undefined) return undefined
  const names = new Set(right.columns.map((column) => column.name))
  return left.columns.map((column) => column.name).filter((name) => names.has(name))
}

function mergeColumn(tracing: Tracing, name: string, left: Rows, right: Rows): Output {
  const flow = merge([columnOf(left, name) ?? left.all, columnOf(right, name) ?? right.all])
  tracing.filter(flow)
  return { name, flow }
}

function joined(
  left: Rows,
  right: Rows,
  merged: readonly Output[],
  shared: readonly string[] | undefined,
): Rows {
  const all = merge([left.all, right.all])
  if (left.columns === undefined || right.columns === undefined || shared === undefined)
    return { columns: undefined, all }
  const isOwn = (column: Output) => !shared.includes(column.name)
  return { columns: [...merged, ...left.columns.filter(isOwn), ...right.columns.filter(isOwn)], all }
}

/** Functions in FROM see the items before them. */
function traceFunctions(tracing: Tracing, item: RangeFunction, scope: Scope): Rows {
  const parts = (item.functions ?? []).map((entry): Rows => {
    const [call, definitions] = 'List' in entry ? (entry.List.items ?? []) : [entry]
    if (call === undefined) return rowsOf([])
    const flow = derived(tracing.expression(call, scope))
    const declared =
      'List' in (definitions ?? {}) ? columnNames(listItems(definitions)) : columnNames(item.coldeflist)
    return functionRows(tracing, call, flow, declared, item.alias?.aliasname)
  })
  const ordinality: Output[] = item.ordinality === true ? [{ name: 'ordinality', flow: nothing }] : []
  const isKnown = parts.every((part) => part.columns !== undefined)
  const columns = isKnown ? [...parts.flatMap((part) => part.columns ?? []), ...ordinality] : undefined
  const rows = { columns, all: merge(parts.map((part) => part.all)) }
  const [first] = item.functions ?? []
  const [call] = first !== undefined && 'List' in first ? (first.List.items ?? []) : []
  const name = call !== undefined && 'FuncCall' in call ? words(call.FuncCall.funcname).at(-1) : undefined
  return add(scope, item.alias?.aliasname ?? name, renamed(rows, words(item.alias?.colnames)))
}

function functionRows(
  tracing: Tracing,
  call: Node,
  flow: Flow,
  declared: readonly string[],
  alias: string | undefined,
): Rows {
  const named = (names: readonly string[]) => ({ columns: names.map((name) => ({ name, flow })), all: flow })
  if (declared.length > 0) return named(declared)
  const unknown = { columns: undefined, all: flow }
  // A row goes in, and may come out: `coalesce(c)` has the columns of `c`.
  if (flow.tags.length > 0) return unknown
  if ('SQLValueFunction' in call) return named([alias ?? 'value'])
  if (!('FuncCall' in call)) return unknown
  const located = tracing.names.function(words(call.FuncCall.funcname))
  if (!located.isBuiltin || ofVaryingWidth.has(located.bareName)) return unknown
  return named(tracing.names.snapshot.outputsOf(located.bareName) ?? [alias ?? located.bareName])
}

/** Their columns follow from the types of their arguments. */
const ofVaryingWidth = new Set([
  'unnest',
  'json_populate_record',
  'json_populate_recordset',
  'jsonb_populate_record',
  'jsonb_populate_recordset',
])

function columnNames(definitions: readonly Node[] | undefined): readonly string[] {
  return (definitions ?? []).flatMap((node) => ('ColumnDef' in node ? (node.ColumnDef.colname ?? '') : []))
}

function listItems(node: Node | undefined): readonly Node[] {
  return node !== undefined && 'List' in node ? (node.List.items ?? []) : []
}

/** XMLTABLE and JSON_TABLE: each column may hold any part of what they are given. */
function traceTableFunction(
  tracing: Tracing,
  node: Node,
  item: RangeTableFunc | JsonTable,
  scope: Scope,
): Rows {
  const flow = tracing.compute(traceChildren(tracing, node, scope))
  const columns = tableColumns(item.columns).map((name) => ({ name, flow }))
  return add(scope, item.alias?.aliasname, renamed({ columns, all: flow }, words(item.alias?.colnames)))
}

function tableColumns(nodes: readonly Node[] | undefined): readonly string[] {
  return (nodes ?? []).flatMap((node) => {
    if ('RangeTableFuncCol' in node) return node.RangeTableFuncCol.colname ?? ''
    if (!('JsonTableColumn' in node)) return []
    const { coltype, name, columns } = node.JsonTableColumn
    return coltype === 'JTC_NESTED' ? tableColumns(columns) : (name ?? '')
  })
}

function add(scope: Scope, alias: string | undefined, rows: Rows): Rows {
  const entry: Range = range(alias ?? '', rows)
  scope.ranges.push(entry)
  return rows
}
