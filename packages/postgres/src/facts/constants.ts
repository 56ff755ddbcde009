import type { A_Expr, Node } from '@pgsql/types'
import { words } from './names.ts'
import { constantText } from './settings.ts'

/** Literals, parameters, and what is computed from them alone. */
export function isConstant(node: Node | undefined): boolean {
  if (node === undefined) return false
  if ('A_Const' in node || 'ParamRef' in node || 'SQLValueFunction' in node) return true
  if ('TypeCast' in node) return isConstant(node.TypeCast.arg)
  if ('CollateClause' in node) return isConstant(node.CollateClause.arg)
  if ('A_ArrayExpr' in node) return (node.A_ArrayExpr.elements ?? []).every(isConstant)
  if ('List' in node) return (node.List.items ?? []).every(isConstant)
  if ('FuncCall' in node) return (node.FuncCall.args ?? []).every(isConstant)
  if ('A_Expr' in node)
    return [node.A_Expr.lexpr, node.A_Expr.rexpr].every((side) => side === undefined || isConstant(side))
  return false
}

/**
 * What a condition comes to whatever the row; `undefined` where that depends. NULL counts as false, as it does in
 * WHERE, except under NOT.
 */
export function constantTruth(node: Node): boolean | undefined {
  if ('TypeCast' in node) return literalTruth(constantText(node.TypeCast.arg))
  if ('A_Const' in node) {
    if (node.A_Const.isnull === true) return false
    if (node.A_Const.boolval !== undefined) return node.A_Const.boolval.boolval ?? false
    return literalTruth(node.A_Const.sval?.sval)
  }
  if ('BoolExpr' in node) {
    const truths = (node.BoolExpr.args ?? []).map(constantTruth)
    if (node.BoolExpr.boolop === 'AND_EXPR') {
      if (truths.includes(false)) return false
      return truths.every((truth) => truth === true) ? true : undefined
    }
    if (node.BoolExpr.boolop === 'OR_EXPR') {
      if (truths.includes(true)) return true
      return truths.every((truth) => truth === false) ? false : undefined
    }
    return truths[0] === undefined ? undefined : !truths[0]
  }
  if ('A_Expr' in node) return comparisonTruth(node.A_Expr)
  return undefined
}

function literalTruth(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined
  if (/^(t|true|y|yes|on|1)$/i.test(text)) return true
  return /^(f|false|n|no|off|0)$/i.test(text) ? false : undefined
}

/** Literals compared as numbers or texts, and anything compared with its own self. */
function comparisonTruth({ kind, name, lexpr, rexpr }: A_Expr): boolean | undefined {
  if (kind !== 'AEXPR_OP' || lexpr === undefined || rexpr === undefined) return undefined
  const operator = words(name).at(-1)
  if ('ColumnRef' in lexpr && 'ColumnRef' in rexpr && isSame(lexpr, rexpr))
    return operator === '=' || operator === '<=' || operator === '>='
  // Nobody looks at a literal that is compared with anything else: see WatchedLiterals.
  if (!('A_Const' in lexpr) || !('A_Const' in rexpr)) return undefined
  const [left, right] = [literal(lexpr), literal(rexpr)]
  if (left === undefined || right === undefined) return undefined
  switch (operator) {
    case '=':
      return left === right
    case '<>':
    case '!=':
      return left !== right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
    default:
      return undefined
  }
}

function literal(node: Node): string | number | undefined {
  if (!('A_Const' in node)) return undefined
  const text = constantText(node)
  if (text === undefined || node.A_Const.sval !== undefined) return text
  return Number(text)
}

function isSame(one: Node, other: Node): boolean {
  const bare = (key: string, value: unknown) => (key === 'location' ? undefined : value)
  return JSON.stringify(one, bare) === JSON.stringify(other, bare)
}
