import type { A_Expr, A_Indirection, FuncCall, Node, SubLink, TypeName, WindowDef } from '@pgsql/types'
import { isConstant } from '../constants.ts'
import { totalFunctions, type Effect } from '../functions.ts'
import { words } from '../names.ts'
import { eachChild, kindOf, open } from '../nodes.ts'
import { operatorsOf } from '../operators.ts'
import { callOn, columnOf, findRange, traceColumn } from './columns.ts'
import { derived, merge, nothing, tainted, type Flow, type Scope, type Tracing } from './flow.ts'

/** What an expression's value derives from. Types of node without a rule are computed from all that they hold. */
export function traceExpression(tracing: Tracing, node: Node | undefined, scope: Scope): Flow {
  if (node === undefined) return nothing
  if ('ColumnRef' in node) return traceColumn(tracing, node.ColumnRef.fields, scope)
  if ('A_Const' in node || 'ParamRef' in node) return nothing
  if ('FuncCall' in node) return traceCall(tracing, node.FuncCall, scope)
  if ('TypeCast' in node) {
    const flow = tracing.expression(node.TypeCast.arg, scope)
    if (tracing.names.castConduct(words(node.TypeCast.typeName?.names)) !== undefined)
      return merge([tracing.compute([flow]), anything(tracing)])
    return isText(node.TypeCast.typeName) ? derived(flow) : tracing.compute([flow])
  }
  if ('CollateClause' in node) return derived(tracing.expression(node.CollateClause.arg, scope))
  if ('NamedArgExpr' in node) return tracing.expression(node.NamedArgExpr.arg, scope)
  if ('A_Expr' in node) return traceOperators(tracing, node, scope)
  if ('SubLink' in node) return traceSubLink(tracing, node.SubLink, scope)
  if ('A_Indirection' in node) return traceIndirection(tracing, node.A_Indirection, scope)
  if ('CoalesceExpr' in node) {
    const args = node.CoalesceExpr.args ?? []
    const flows = args.map((arg) => tracing.expression(arg, scope))
    return args.slice(1).every(isLiteral) ? merge(flows) : tracing.compute(flows)
  }
  if ('MultiAssignRef' in node) {
    const { source, colno } = node.MultiAssignRef
    if (source === undefined || !('SubLink' in source) || source.SubLink.subselect === undefined)
      return tracing.expression(source, scope)
    const rows = tracing.query(source.SubLink.subselect, scope)
    return rows.columns?.[(colno ?? 1) - 1]?.flow ?? rows.all
  }
  const flow = tracing.compute(traceChildren(tracing, node, scope))
  const isMade = 'CaseExpr' in node && runsMade(tracing, 'CaseExpr', node.CaseExpr)
  return isMade ? merge([flow, anything(tracing)]) : flow
}

/** Somebody's code runs by an operator of this node. */
export function runsMade(tracing: Tracing, type: string, fields: object): boolean {
  return operatorsOf(type, fields).some((name) => tracing.names.operatorConduct(name) !== undefined)
}

/** `a || b || c` leans to the left: a loop, not a recursion. */
function traceOperators(tracing: Tracing, node: Node, scope: Scope): Flow {
  const flows: Flow[] = []
  let isMade = false
  let here: Node | undefined = node
  while (here !== undefined && 'A_Expr' in here) {
    const { lexpr, rexpr }: A_Expr = here.A_Expr
    isMade ||= runsMade(tracing, 'A_Expr', here.A_Expr)
    if (rexpr !== undefined) flows.push(tracing.expression(rexpr, scope))
    here = lexpr
  }
  flows.push(tracing.expression(here, scope))
  const flow = tracing.compute(flows)
  return isMade ? merge([flow, anything(tracing)]) : flow
}

/** What code that is not looked into may give. */
export function anything(tracing: Tracing): Flow {
  return tainted(tracing.names.snapshot.allTags)
}

export function traceChildren(tracing: Tracing, node: Node, scope: Scope): Flow[] {
  const flows: Flow[] = []
  const opened = open(node)
  if (opened === undefined) return flows
  eachChild(...opened, (type, fields) => {
    const kind = kindOf(type)
    if (type === 'TypeName' || type === 'String' || kind === undefined) return // unknown types are the walk's affair
    const child = { [type]: fields } as unknown as Node // as the tree writes it where it names types
    flows.push(kind === 'statement' ? tracing.query(child, scope).all : tracing.expression(child, scope))
  })
  return flows
}

function traceCall(tracing: Tracing, call: FuncCall, scope: Scope): Flow {
  const located = tracing.names.function(words(call.funcname))
  const args = call.args ?? []
  const flows = args.map((arg) => tracing.expression(arg, scope))
  for (const node of call.agg_order ?? []) {
    const key = sortKey(tracing, node, scope)
    tracing.filter(key)
    if (call.agg_within_group === true) flows.push(key) // an argument like any other
  }
  const inputs = merge(flows)
  if (call.agg_filter !== undefined) tracing.filter(tracing.expression(call.agg_filter, scope))
  if (call.over !== undefined) traceWindow(tracing, call.over, scope)
  if (located.effect !== undefined) tracing.launder(inputs)
  if (!located.isBuiltin || (located.effect !== undefined && reading.has(located.effect)))
    return merge([tracing.compute(flows), anything(tracing)])
  if (!totalFunctions.has(located.bareName) || call.agg_distinct === true) return tracing.compute(flows)
  return isTotal(located.bareName, args) ? inputs : tracing.compute(flows)
}

/** Files, the log of changes and other sessions hold what tables hold. */
const reading: ReadonlySet<Effect> = new Set<Effect>(['quotes', 'runs-sql', 'admin'])

function isTotal(name: string, args: readonly Node[]): boolean {
  if (name === 'concat') return true
  return args.slice(1).every(positional.has(name) ? isWholeNumber : isLiteral)
}

/** With a text for a position, `substring` is a match of a regular expression. */
const positional = new Set(['substr', 'substring', 'left', 'right'])

function isWholeNumber(node: Node): boolean {
  return 'A_Const' in node && node.A_Const.ival !== undefined
}

export function traceWindow(tracing: Tracing, window: WindowDef, scope: Scope): void {
  for (const node of window.partitionClause ?? []) tracing.filter(tracing.expression(node, scope))
  for (const node of window.orderClause ?? []) tracing.filter(sortKey(tracing, node, scope))
  tracing.compute([window.startOffset, window.endOffset].map((node) => tracing.expression(node, scope)))
}

function sortKey(tracing: Tracing, node: Node, scope: Scope): Flow {
  return tracing.expression('SortBy' in node ? node.SortBy.node : node, scope)
}

function traceSubLink(tracing: Tracing, link: SubLink, scope: Scope): Flow {
  const rows = link.subselect === undefined ? undefined : tracing.query(link.subselect, scope)
  if (link.subLinkType === 'EXISTS_SUBLINK' || rows === undefined) return nothing
  if (link.subLinkType === 'EXPR_SUBLINK') return derived(rows.all)
  const flow = tracing.compute([tracing.expression(link.testexpr, scope), rows.all])
  return runsMade(tracing, 'SubLink', link) ? merge([flow, anything(tracing)]) : flow
}

/** `(row).column` is that column; any other part of a value is computed from it. */
function traceIndirection(tracing: Tracing, node: A_Indirection, scope: Scope): Flow {
  const [first, ...rest] = node.indirection ?? []
  if (node.arg !== undefined && 'ColumnRef' in node.arg && first !== undefined && 'String' in first) {
    const range = findRange(words(node.arg.ColumnRef.fields), scope)
    const flow = range && columnOf(range, first.String.sval ?? '')
    if (flow !== undefined) {
      for (const source of flow.sources) tracing.draft.columns.add(source)
      return rest.length === 0 ? flow : tracing.compute([flow])
    }
  }
  const calls = (node.indirection ?? []).map((part) =>
    'String' in part ? callOn(tracing, nothing, part.String.sval ?? '') : nothing,
  )
  const indices = (node.indirection ?? []).flatMap((part) => traceChildren(tracing, part, scope))
  return merge([tracing.compute([tracing.expression(node.arg, scope), ...indices]), ...calls])
}

/** A cast to text of any length cannot fail, and keeps what there was. */
function isText(type: TypeName | undefined): boolean {
  const name = words(type?.names)
  if (type?.arrayBounds !== undefined || type?.typmods !== undefined) return false
  if (name.length > 1 && name[0] !== 'pg_catalog') return false
  return ['text', 'varchar', 'bpchar'].includes(name.at(-1) ?? '')
}

/** Given in the text itself, or bound to it. */
function isLiteral(node: Node): boolean {
  return ('A_Const' in node || 'TypeCast' in node) && isConstant(node)
}
