import type { Node } from '@pgsql/types'

/**
 * Every type of node that PostgreSQL 18's grammar can produce, and where a node stands in another without its tag.
 * What is not here is not understood, and a statement that holds it is `unparsed`.
 */

const values = words(`
  Integer Float Boolean String BitString List A_Const A_Star Alias ParamRef ColumnRef RoleSpec TypeName
  SetToDefault CurrentOfExpr SQLValueFunction MergeSupportFunc
`)
const expressions = words(`
  A_Expr A_Indices A_Indirection A_ArrayExpr BoolExpr CaseExpr CaseWhen CoalesceExpr CollateClause FuncCall
  GroupingFunc MinMaxExpr MultiAssignRef NamedArgExpr NullTest BooleanTest RowExpr SubLink TypeCast XmlExpr
  XmlSerialize JsonAggConstructor JsonArgument JsonArrayAgg JsonArrayConstructor JsonArrayQueryConstructor
  JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate JsonKeyValue JsonObjectAgg JsonObjectConstructor
  JsonOutput JsonParseExpr JsonReturning JsonScalarExpr JsonSerializeExpr JsonValueExpr
`)
const clauses = words(`
  RangeVar RangeSubselect RangeFunction RangeTableFunc RangeTableFuncCol RangeTableSample JoinExpr JsonTable
  JsonTableColumn JsonTablePathSpec ResTarget SortBy WindowDef GroupingSet IntoClause LockingClause
  WithClause CommonTableExpr CTESearchClause CTECycleClause InferClause IndexElem OnConflictClause
  ReturningClause ReturningOption MergeWhenClause ColumnDef TableLikeClause Constraint DefElem PartitionElem
  PartitionSpec PartitionBoundSpec PartitionRangeDatum PartitionCmd AccessPriv ObjectWithArgs
  FunctionParameter AlterTableCmd ATAlterConstraint ReplicaIdentityStmt TriggerTransition CreateOpClassItem
  StatsElem VacuumRelation PublicationObjSpec PublicationTable ReturnStmt
`)
const statements = words(`
  AlterCollationStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt AlterDatabaseStmt
  AlterDefaultPrivilegesStmt AlterDomainStmt AlterEnumStmt AlterEventTrigStmt AlterExtensionContentsStmt
  AlterExtensionStmt AlterFdwStmt AlterForeignServerStmt AlterFunctionStmt AlterObjectDependsStmt
  AlterObjectSchemaStmt AlterOpFamilyStmt AlterOperatorStmt AlterOwnerStmt AlterPolicyStmt
  AlterPublicationStmt AlterRoleSetStmt AlterRoleStmt AlterSeqStmt AlterStatsStmt AlterSubscriptionStmt
  AlterSystemStmt AlterTSConfigurationStmt AlterTSDictionaryStmt AlterTableMoveAllStmt
  AlterTableSpaceOptionsStmt AlterTableStmt AlterTypeStmt AlterUserMappingStmt CallStmt CheckPointStmt
  ClosePortalStmt ClusterStmt CommentStmt CompositeTypeStmt ConstraintsSetStmt CopyStmt CreateAmStmt
  CreateCastStmt CreateConversionStmt CreateDomainStmt CreateEnumStmt CreateEventTrigStmt CreateExtensionStmt
  CreateFdwStmt CreateForeignServerStmt CreateForeignTableStmt CreateFunctionStmt CreateOpClassStmt
  CreateOpFamilyStmt CreatePLangStmt CreatePolicyStmt CreatePublicationStmt CreateRangeStmt CreateRoleStmt
  CreateSchemaStmt CreateSeqStmt CreateStatsStmt CreateStmt CreateSubscriptionStmt CreateTableAsStmt
  CreateTableSpaceStmt CreateTransformStmt CreateTrigStmt CreateUserMappingStmt CreatedbStmt DeallocateStmt
  DeclareCursorStmt DefineStmt DeleteStmt DiscardStmt DoStmt DropOwnedStmt DropRoleStmt DropStmt
  DropSubscriptionStmt DropTableSpaceStmt DropUserMappingStmt DropdbStmt ExecuteStmt ExplainStmt FetchStmt
  GrantRoleStmt GrantStmt ImportForeignSchemaStmt IndexStmt InsertStmt ListenStmt LoadStmt LockStmt MergeStmt
  NotifyStmt PrepareStmt ReassignOwnedStmt RefreshMatViewStmt ReindexStmt RenameStmt RuleStmt SecLabelStmt
  SelectStmt TransactionStmt TruncateStmt UnlistenStmt UpdateStmt VacuumStmt VariableSetStmt VariableShowStmt
  ViewStmt
`)

/** `Parent.field:Type` where the parser writes the fields of a Type without naming it. */
const untagged: ReadonlyMap<string, string> = new Map(
  Array.from(
    words(`
  A_Const.ival:Integer A_Const.fval:Float A_Const.boolval:Boolean A_Const.sval:String A_Const.bsval:BitString
  FuncCall.over:WindowDef TypeCast.typeName:TypeName XmlSerialize.typeName:TypeName
  JsonAggConstructor.output:JsonOutput JsonAggConstructor.over:WindowDef JsonArgument.val:JsonValueExpr
  JsonArrayAgg.constructor:JsonAggConstructor JsonArrayAgg.arg:JsonValueExpr
  JsonArrayConstructor.output:JsonOutput JsonArrayQueryConstructor.output:JsonOutput
  JsonArrayQueryConstructor.format:JsonFormat JsonFuncExpr.context_item:JsonValueExpr
  JsonFuncExpr.output:JsonOutput JsonFuncExpr.on_empty:JsonBehavior JsonFuncExpr.on_error:JsonBehavior
  JsonIsPredicate.format:JsonFormat JsonKeyValue.value:JsonValueExpr
  JsonObjectAgg.constructor:JsonAggConstructor JsonObjectAgg.arg:JsonKeyValue
  JsonObjectConstructor.output:JsonOutput JsonOutput.typeName:TypeName JsonOutput.returning:JsonReturning
  JsonParseExpr.expr:JsonValueExpr JsonParseExpr.output:JsonOutput JsonReturning.format:JsonFormat
  JsonScalarExpr.output:JsonOutput JsonSerializeExpr.expr:JsonValueExpr JsonSerializeExpr.output:JsonOutput
  JsonValueExpr.format:JsonFormat RangeVar.alias:Alias RangeSubselect.alias:Alias RangeFunction.alias:Alias
  RangeTableFunc.alias:Alias RangeTableFuncCol.typeName:TypeName JoinExpr.join_using_alias:Alias
  JoinExpr.alias:Alias JsonTable.context_item:JsonValueExpr JsonTable.pathspec:JsonTablePathSpec
  JsonTable.on_error:JsonBehavior JsonTable.alias:Alias JsonTableColumn.typeName:TypeName
  JsonTableColumn.pathspec:JsonTablePathSpec JsonTableColumn.format:JsonFormat
  JsonTableColumn.on_empty:JsonBehavior JsonTableColumn.on_error:JsonBehavior IntoClause.rel:RangeVar
  CommonTableExpr.search_clause:CTESearchClause CommonTableExpr.cycle_clause:CTECycleClause
  OnConflictClause.infer:InferClause ColumnDef.typeName:TypeName ColumnDef.identitySequence:RangeVar
  ColumnDef.collClause:CollateClause TableLikeClause.relation:RangeVar Constraint.pktable:RangeVar
  PartitionCmd.name:RangeVar PartitionCmd.bound:PartitionBoundSpec FunctionParameter.argType:TypeName
  AlterTableCmd.newowner:RoleSpec CreateOpClassItem.name:ObjectWithArgs CreateOpClassItem.storedtype:TypeName
  VacuumRelation.relation:RangeVar PublicationObjSpec.pubtable:PublicationTable
  PublicationTable.relation:RangeVar AlterDatabaseSetStmt.setstmt:VariableSetStmt
  AlterDefaultPrivilegesStmt.action:GrantStmt AlterFunctionStmt.func:ObjectWithArgs
  AlterObjectDependsStmt.relation:RangeVar AlterObjectDependsStmt.extname:String
  AlterObjectSchemaStmt.relation:RangeVar AlterOperatorStmt.opername:ObjectWithArgs
  AlterOwnerStmt.relation:RangeVar AlterOwnerStmt.newowner:RoleSpec AlterPolicyStmt.table:RangeVar
  AlterRoleSetStmt.role:RoleSpec AlterRoleSetStmt.setstmt:VariableSetStmt AlterRoleStmt.role:RoleSpec
  AlterSeqStmt.sequence:RangeVar AlterSystemStmt.setstmt:VariableSetStmt AlterTableStmt.relation:RangeVar
  AlterUserMappingStmt.user:RoleSpec CallStmt.funccall:FuncCall ClusterStmt.relation:RangeVar
  CompositeTypeStmt.typevar:RangeVar CopyStmt.relation:RangeVar CreateCastStmt.sourcetype:TypeName
  CreateCastStmt.targettype:TypeName CreateCastStmt.func:ObjectWithArgs CreateDomainStmt.typeName:TypeName
  CreateDomainStmt.collClause:CollateClause CreateForeignTableStmt.base:CreateStmt
  CreateFunctionStmt.returnType:TypeName CreateOpClassStmt.datatype:TypeName CreatePolicyStmt.table:RangeVar
  CreateSchemaStmt.authrole:RoleSpec CreateSeqStmt.sequence:RangeVar CreateStmt.relation:RangeVar
  CreateStmt.partbound:PartitionBoundSpec CreateStmt.partspec:PartitionSpec CreateStmt.ofTypename:TypeName
  CreateTableAsStmt.into:IntoClause CreateTableSpaceStmt.owner:RoleSpec
  CreateTransformStmt.type_name:TypeName CreateTransformStmt.fromsql:ObjectWithArgs
  CreateTransformStmt.tosql:ObjectWithArgs CreateTrigStmt.relation:RangeVar CreateTrigStmt.constrrel:RangeVar
  CreateUserMappingStmt.user:RoleSpec DeleteStmt.relation:RangeVar DeleteStmt.returningClause:ReturningClause
  DeleteStmt.withClause:WithClause DropUserMappingStmt.user:RoleSpec GrantRoleStmt.grantor:RoleSpec
  GrantStmt.grantor:RoleSpec IndexStmt.relation:RangeVar InsertStmt.relation:RangeVar
  InsertStmt.onConflictClause:OnConflictClause InsertStmt.returningClause:ReturningClause
  InsertStmt.withClause:WithClause MergeStmt.relation:RangeVar MergeStmt.returningClause:ReturningClause
  MergeStmt.withClause:WithClause ReassignOwnedStmt.newrole:RoleSpec RefreshMatViewStmt.relation:RangeVar
  ReindexStmt.relation:RangeVar RenameStmt.relation:RangeVar RuleStmt.relation:RangeVar
  SelectStmt.intoClause:IntoClause SelectStmt.withClause:WithClause SelectStmt.larg:SelectStmt
  SelectStmt.rarg:SelectStmt UpdateStmt.relation:RangeVar UpdateStmt.returningClause:ReturningClause
  UpdateStmt.withClause:WithClause ViewStmt.view:RangeVar
`),
    (entry) => {
      const colon = entry.indexOf(':')
      return [entry.slice(0, colon), entry.slice(colon + 1)]
    },
  ),
)

export type NodeKind = 'value' | 'expression' | 'clause' | 'statement'

const kinds: ReadonlyMap<string, NodeKind> = new Map(
  (
    [
      ['value', values],
      ['expression', expressions],
      ['clause', clauses],
      ['statement', statements],
    ] as const
  ).flatMap(([kind, types]) => Array.from(types, (type): [string, NodeKind] => [type, kind])),
)

export function kindOf(type: string): NodeKind | undefined {
  return kinds.get(type)
}

/** A node's type and its fields. `undefined` for the placeholder `{}` that stands for nothing in a list. */
export function open(node: Node): readonly [type: string, fields: object] | undefined {
  for (const [type, fields] of Object.entries(node)) return [type, fields as object]
  return undefined
}

export type Visit = (type: string, fields: object, field: string) => void

/** Calls `visit` with every node directly under `fields`, tagged or not, and the field that holds it. */
export function eachChild(type: string, fields: object, visit: Visit): void {
  for (const [field, value] of Object.entries(fields)) {
    if (Array.isArray(value)) for (const item of value) eachTagged(item, field, visit)
    else if (typeof value === 'object' && value !== null) {
      const inner = untagged.get(`${type}.${field}`)
      if (inner === undefined) eachTagged(value, field, visit)
      else visit(inner, value, field)
    }
  }
}

function eachTagged(node: unknown, field: string, visit: Visit): void {
  if (typeof node !== 'object' || node === null) return
  for (const [type, fields] of Object.entries(node))
    if (typeof fields === 'object' && fields !== null) visit(type, fields, field)
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}
