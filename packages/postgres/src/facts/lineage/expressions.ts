import type { A_Indirection, FuncCall, Node, SubLink, TypeName, WindowDef } from '@pgsql/types'
import { isConstant } from '../constants.ts'
import { totalFunctions } from '../functions.ts'
import { words } from '../names.ts'
import { eachChild, kindOf, open } from '../nodes.ts'
import { columnOf, findRange, traceColumn } from './columns.ts'
import { derived, merge, nothing, tainted, type Flow, type Scope, type Tracing } from './flow.ts'

/** What an expression's value derives from. Types of node without a rule are computed from all that they hold. */
export function traceExpression(tracing: Tracing, node: Node | undefined, scope: Scope): Flow {
  if (node === undefined) return nothing
  if ('ColumnRef' in node) return traceColumn(tracing, node.ColumnRef.fields, scope)
  if ('A_Const' in node || 'ParamRef' in node) return nothing
  if ('FuncCall' in node) return traceCall(tracing, node.FuncCall, scope)
  if ('TypeCast' in node) {
    const flow = tracing.expression(node.TypeCast.arg, scope)
    return isText(node.TypeCast.typeName) ? derived(flow) : tracing.compute([flow])
  }
  if ('CollateClause' in node) return derived(tracing.expression(node.CollateClause.arg, scope))
  if ('NamedArgExpr' in node) return tracing.expression(node.NamedArgExpr.arg, scope)
  if ('A_Expr' in node) return tracing.compute(spine(tracing, node, scope))
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
  return tracing.compute(traceChildren(tracing, node, scope))
}

/** `a || b || c` leans to the left: a loop, not a recursion. */
function spine(tracing: Tracing, node: Node, scope: Scope): Flow[] {
  const flows: Flow[] = []
  let here: Node | undefined = node
  while (here !== undefined && 'A_Expr' in here) {
    const { lexpr, rexpr }: { lexpr?: Node; rexpr?: Node } = here.A_Expr
    if (rexpr !== undefined) flows.push(tracing.expression(rexpr, scope))
    here = lexpr
  }
  flows.push(tracing.expression(here, scope))
  return flows
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
  const inputs = merge(flows)
  for (const node of call.agg_order ?? []) tracing.filter(sortKey(tracing, node, scope))
  if (call.agg_filter !== undefined) tracing.filter(tracing.expression(call.agg_filter, scope))
  if (call.over !== undefined) traceWindow(tracing, call.over, scope)
  if (located.effect !== undefined) tracing.launder(inputs)
  const { allTags } = tracing.names.snapshot
  if (!located.isBuiltin) return merge([tracing.compute(flows), tainted(allTags)]) // it may read anything
  if (located.effect === 'quotes' || located.effect === 'runs-sql')
    return merge([tracing.compute(flows), tainted(allTags)])
  if (!totalFunctions.has(located.bareName) || call.agg_distinct === true) return tracing.compute(flows)
  return isTotal(located.bareName, args) ? inputs : tracing.compute(flows)
}

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
  return tracing.compute([tracing.expression(link.testexpr, scope), rows.all])
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
  const indices = (node.indirection ?? []).flatMap((part) => traceChildren(tracing, part, scope))
  return tracing.compute([tracing.expression(node.arg, scope), ...indices])
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
