import type {
  DeleteStmt,
  MergeStmt,
  MergeWhenClause,
  Node,
  RangeVar,
  SelectStmt,
  UpdateStmt,
} from '@pgsql/types'
import { constantTruth, isConstant } from './constants.ts'
import { words, type Names } from './names.ts'

/**
 * Whether a statement may change every row of its table: where its condition has a branch without any comparison of one
 * of the table's columns with something given. Comparing a column with itself, IS NOT NULL, `<>` and constants do not restrict.
 * What cannot be told restricts nothing.
 */
export function isUnfiltered(type: string, fields: object, names: Names): boolean {
  if (type === 'MergeStmt') return isMergeUnfiltered(fields, names)
  const statement: UpdateStmt & DeleteStmt = fields
  const target = targetOf(statement.relation, names)
  return !restricts(statement.whereClause, target)
}

interface Target {
  readonly alias: string
  /** `undefined` where the catalogue does not know it: any bare column may be its own. */
  readonly columns: ReadonlySet<string> | undefined
}

function targetOf(relation: RangeVar | undefined, names: Names): Target {
  const known = relation === undefined ? undefined : names.relation(relation).relation
  return {
    alias: relation?.alias?.aliasname ?? relation?.relname ?? '',
    columns: known && new Set(known.columns.map((column) => column.name)),
  }
}

/** Matched rows are restricted by the join or by their own condition; rows without a match only by the latter. */
function isMergeUnfiltered(merge: MergeStmt, names: Names): boolean {
  const target = targetOf(merge.relation, names)
  const isJoinRestricted = restricts(merge.joinCondition, target)
  const clauses: MergeWhenClause[] = (merge.mergeWhenClauses ?? []).flatMap((node) =>
    'MergeWhenClause' in node ? node.MergeWhenClause : [],
  )
  return clauses.some((clause) => {
    if (clause.commandType !== 'CMD_UPDATE' && clause.commandType !== 'CMD_DELETE') return false
    if (restricts(clause.condition, target)) return false
    return clause.matchKind === 'MERGE_WHEN_MATCHED' ? !isJoinRestricted : true
  })
}

/** True where every way to satisfy `condition` compares a column of `target` with something given. */
function restricts(condition: Node | undefined, target: Target): boolean {
  if (condition === undefined) return false
  const truth = constantTruth(condition)
  if (truth !== undefined) return !truth
  if ('BoolExpr' in condition) {
    const { boolop, args } = condition.BoolExpr
    if (boolop === 'AND_EXPR') return (args ?? []).some((arg) => restricts(arg, target))
    if (boolop === 'OR_EXPR') return (args ?? []).every((arg) => restricts(arg, target))
    return args?.[0] !== undefined && 'ColumnRef' in args[0] // NOT of a boolean column
  }
  if ('CurrentOfExpr' in condition) return true
  if ('ColumnRef' in condition) return isColumn(condition, target)
  if ('NullTest' in condition)
    return condition.NullTest.nulltesttype === 'IS_NULL' && isColumn(condition.NullTest.arg, target)
  if ('BooleanTest' in condition)
    return (
      ['IS_TRUE', 'IS_FALSE', 'IS_UNKNOWN'].includes(condition.BooleanTest.booltesttype ?? '') &&
      isColumn(condition.BooleanTest.arg, target)
    )
  if ('A_Expr' in condition) {
    const { kind, name, lexpr, rexpr } = condition.A_Expr
    const operator = words(name).at(-1) ?? ''
    if (!comparing.has(kind ?? '') || excluding.has(operator)) return false
    if (isWildcard(kind, operator, rexpr)) return false
    return compares(lexpr, rexpr, target) || (kind === 'AEXPR_OP' && compares(rexpr, lexpr, target))
  }
  if ('SubLink' in condition) {
    const { subLinkType, testexpr, subselect, operName } = condition.SubLink
    const select = subselect !== undefined && 'SelectStmt' in subselect ? subselect.SelectStmt : undefined
    if (select === undefined) return false
    if (subLinkType === 'EXISTS_SUBLINK')
      return restricts(select.whereClause, { ...target, columns: new Set() })
    if (subLinkType !== 'ANY_SUBLINK' || excluding.has(words(operName).at(-1) ?? '')) return false
    return mentionsColumn(testexpr, target) && !isWholeOf(select, target)
  }
  return false
}

const comparing = new Set([
  'AEXPR_OP',
  'AEXPR_OP_ANY',
  'AEXPR_NOT_DISTINCT',
  'AEXPR_IN',
  'AEXPR_LIKE',
  'AEXPR_ILIKE',
  'AEXPR_SIMILAR',
  'AEXPR_BETWEEN',
  'AEXPR_BETWEEN_SYM',
])

/** Operators that exclude a few rows rather than choose some; IN is `=`, NOT IN is `<>`. */
const excluding = new Set(['<>', '!=', '!~', '!~*', '!~~', '!~~*', '||', '+', '-', '*', '/', '%'])

/** A pattern that matches anything. */
function isWildcard(kind: string | undefined, operator: string, pattern: Node | undefined): boolean {
  if (pattern === undefined || !('A_Const' in pattern)) return false
  const isLike = kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE' || kind === 'AEXPR_SIMILAR'
  if (!isLike && operator !== '~' && operator !== '~*') return false
  const text = pattern.A_Const.sval?.sval
  if (text === undefined) return false
  return isLike ? /^%*$/.test(text) : /^(\^|\$|\.\*|\.\+|\.\?)*$/.test(text)
}

function compares(column: Node | undefined, given: Node | undefined, target: Target): boolean {
  return mentionsColumn(column, target) && isGiven(given, target)
}

/** A column of the target, or a part or simple form of one that still tells rows apart. */
function mentionsColumn(node: Node | undefined, target: Target): boolean {
  if (node === undefined) return false
  if (isColumn(node, target)) return true
  if ('TypeCast' in node) return mentionsColumn(node.TypeCast.arg, target)
  if ('CollateClause' in node) return mentionsColumn(node.CollateClause.arg, target)
  if ('A_Indirection' in node) return mentionsColumn(node.A_Indirection.arg, target)
  if ('RowExpr' in node) return (node.RowExpr.args ?? []).some((arg) => mentionsColumn(arg, target))
  if ('FuncCall' in node) {
    const { funcname, args } = node.FuncCall
    return (
      telling.has(words(funcname).at(-1) ?? '') && (args ?? []).some((arg) => mentionsColumn(arg, target))
    )
  }
  if ('A_Expr' in node) {
    const { name, lexpr, rexpr } = node.A_Expr
    return reaching.has(words(name).at(-1) ?? '') && mentionsColumn(lexpr, target) && isConstant(rexpr)
  }
  return false
}

const telling = new Set(
  'lower upper btrim ltrim rtrim date date_trunc date_part extract to_char timezone left right substr substring'.split(
    ' ',
  ),
)
const reaching = new Set(['->', '->>', '#>', '#>>'])

function isColumn(node: Node | undefined, target: Target): boolean {
  if (node === undefined || !('ColumnRef' in node)) return false
  const name = words(node.ColumnRef.fields)
  if (name.length === 1) return target.columns === undefined || target.columns.has(name[0] ?? '')
  return name.at(-2) === target.alias
}

/** Something that does not depend on the target's row: a constant, a parameter, a sub-select, another table's column. */
function isGiven(node: Node | undefined, target: Target): boolean {
  if (node === undefined) return false
  if ('SubLink' in node) {
    const { subselect } = node.SubLink
    return subselect !== undefined && 'SelectStmt' in subselect && !isWholeOf(subselect.SelectStmt, target)
  }
  if ('ColumnRef' in node) return words(node.ColumnRef.fields).length > 0 && !isColumn(node, target)
  if ('TypeCast' in node) return isGiven(node.TypeCast.arg, target)
  if ('CollateClause' in node) return isGiven(node.CollateClause.arg, target)
  if ('List' in node) return (node.List.items ?? []).every((item) => isGiven(item, target))
  if ('RowExpr' in node) return (node.RowExpr.args ?? []).every((item) => isGiven(item, target))
  if ('A_ArrayExpr' in node) return (node.A_ArrayExpr.elements ?? []).every((item) => isGiven(item, target))
  if ('FuncCall' in node) return (node.FuncCall.args ?? []).every((arg) => isGiven(arg, target))
  if ('A_Expr' in node)
    return [node.A_Expr.lexpr, node.A_Expr.rexpr].every((side) => side === undefined || isGiven(side, target))
  return isConstant(node)
}

/** `(select id from t)`: every row of the table itself. */
function isWholeOf(select: SelectStmt, target: Target): boolean {
  const isRestricted =
    restricts(select.whereClause, target) ||
    select.limitCount !== undefined ||
    select.havingClause !== undefined
  if (isRestricted || select.valuesLists !== undefined) return false
  return (select.fromClause ?? []).some(
    (item) => 'RangeVar' in item && (item.RangeVar.relname === target.alias || target.alias === ''),
  )
}
