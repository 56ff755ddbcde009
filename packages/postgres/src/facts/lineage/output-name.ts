import type { Node } from '@pgsql/types'
import { words } from '../names.ts'

/**
 * The name that the server gives to an output without AS.
 * @see PostgreSQL parser/parse_target.c, FigureColname
 */
export function outputName(node: Node | undefined): string {
  return (node && figure(node)) ?? '?column?'
}

function figure(node: Node): string | undefined {
  if ('ColumnRef' in node) return words(node.ColumnRef.fields).at(-1)
  if ('A_Indirection' in node)
    return (
      words(node.A_Indirection.indirection).at(-1) ??
      (node.A_Indirection.arg && figure(node.A_Indirection.arg))
    )
  if ('FuncCall' in node) return words(node.FuncCall.funcname).at(-1)
  if ('TypeCast' in node)
    return (node.TypeCast.arg && figure(node.TypeCast.arg)) ?? words(node.TypeCast.typeName?.names).at(-1)
  if ('CollateClause' in node) return node.CollateClause.arg && figure(node.CollateClause.arg)
  if ('A_Expr' in node) return node.A_Expr.kind === 'AEXPR_NULLIF' ? 'nullif' : undefined
  if ('SubLink' in node) {
    const { subLinkType, subselect } = node.SubLink
    if (subLinkType === 'EXISTS_SUBLINK') return 'exists'
    if (subLinkType === 'ARRAY_SUBLINK') return 'array'
    if (subLinkType !== 'EXPR_SUBLINK' || subselect === undefined || !('SelectStmt' in subselect))
      return undefined
    const target = subselect.SelectStmt.targetList?.[0]
    if (target === undefined || !('ResTarget' in target)) return undefined
    return target.ResTarget.name ?? (target.ResTarget.val && figure(target.ResTarget.val))
  }
  if ('CaseExpr' in node) return (node.CaseExpr.defresult && figure(node.CaseExpr.defresult)) ?? 'case'
  for (const [type] of Object.entries(node)) return fixed[type]
  return undefined
}

const fixed: Readonly<Record<string, string>> = {
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  XmlSerialize: 'xmlserialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
}
