import type { A_Expr, CaseExpr, JoinExpr, Node, SortBy, SubLink } from '@pgsql/types'
import { words } from './names.ts'

/** The operators that a node of the tree runs, found by the path where they are no dotted names, whether it shows them or not. */
export function operatorsOf(type: string, fields: object): readonly (readonly string[])[] {
  switch (type) {
    case 'A_Expr': {
      const { kind, name }: A_Expr = fields
      return (kind && between[kind]) ?? named(name)
    }
    case 'SubLink': {
      const { subLinkType, operName }: SubLink = fields
      return subLinkType === 'ANY_SUBLINK' && operName === undefined ? equality : named(operName)
    }
    case 'CaseExpr':
      return (fields as CaseExpr).arg === undefined ? [] : equality
    case 'JoinExpr': {
      const { isNatural, usingClause }: JoinExpr = fields
      return isNatural === true || usingClause !== undefined ? equality : []
    }
    case 'SortBy':
      return named((fields as SortBy).useOp)
    default:
      return []
  }
}

/** `IN (SELECT …)`, `CASE x WHEN …`, `USING`, `NATURAL`. @see PostgreSQL source, gram.y and parse_clause.c */
const equality = [['=']]

const inside = [['>='], ['<=']]
const outside = [['<'], ['>']]
const between: Readonly<Partial<Record<NonNullable<A_Expr['kind']>, readonly (readonly string[])[]>>> = {
  AEXPR_BETWEEN: inside,
  AEXPR_BETWEEN_SYM: inside,
  AEXPR_NOT_BETWEEN: outside,
  AEXPR_NOT_BETWEEN_SYM: outside,
}

function named(name: readonly Node[] | undefined): readonly (readonly string[])[] {
  return name === undefined ? [] : [words(name)]
}

/** Those that PL/pgSQL and SQL may run without their signs, or by others: `LIKE`, `BETWEEN`, `IN`, `NULLIF`, `!=` … */
export const hiddenOperators: ReadonlySet<string> = new Set('= <> < > <= >= ~~ !~~ ~~* !~~* ~ !~'.split(' '))
