import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** A field of a type of node: its own type, or that of its items. */
export interface GrammarField {
  readonly name: string
  readonly type: string
  readonly isList: boolean
}

/** Every type of node of PostgreSQL 18's protobuf schema, as `@pgsql/types` has it, and its fields. */
export const grammar: ReadonlyMap<string, readonly GrammarField[]> = read()

function read(): Map<string, readonly GrammarField[]> {
  const entry = createRequire(import.meta.url).resolve('@pgsql/types')
  const text = readFileSync(new URL('types.d.ts', `file://${entry}`), 'utf8')
  const union = text.slice(text.indexOf('export type Node'), text.indexOf('export interface'))
  const types = Array.from(union.matchAll(/^ {4}(\w+): \1;$/gm), ([, type = '']) => type)
  return new Map(
    types.map((type) => {
      const [, body = ''] = new RegExp(String.raw`export interface ${type} \{([^]*?)\n\}`).exec(text) ?? []
      const fields = Array.from(
        body.matchAll(/^ {4}(\w+)\??: (\w+)(\[\])?;$/gm),
        ([, name = '', of = '', list]) => ({ name, type: of, isList: list !== undefined }),
      )
      return [type, fields]
    }),
  )
}

/** What the server makes of a tree later: no text parses to these. */
export const afterParsing: ReadonlySet<string> = new Set(
  `ParseResult ScanResult ScanToken SummaryResult Table Function FilterColumn RawStmt OidList IntList
  TableFunc Var Param Aggref WindowFunc WindowFuncRunCondition SubscriptingRef FuncExpr OpExpr DistinctExpr NullIfExpr
  ScalarArrayOpExpr SubPlan AlternativeSubPlan FieldSelect FieldStore RelabelType CoerceViaIO ArrayCoerceExpr
  ConvertRowtypeExpr CollateExpr CaseTestExpr ArrayExpr RowCompareExpr JsonConstructorExpr JsonExpr JsonTablePath
  JsonTablePathScan JsonTableSiblingJoin MergeAction CoerceToDomain CoerceToDomainValue NextValueExpr InferenceElem
  ReturningExpr TargetEntry RangeTblRef FromExpr OnConflictExpr Query RangeTblEntry RTEPermissionInfo RangeTblFunction
  TableSampleClause WithCheckOption SortGroupClause WindowClause RowMarkClause SetOperationStmt PLAssignStmt
  InlineCodeBlock CallContext`.split(/\s+/),
)
