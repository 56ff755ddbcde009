import type { AlterTableStmt, IndexStmt } from '@pgsql/types'
import type { Draft } from './draft.ts'

/**
 * What changing the schema exposes. A subject for whom columns are masked may not move, rename or copy what holds them,
 * nor write code that reads them later: nothing would mask that.
 */
export function exposeByDdl(
  draft: Draft,
  type: string,
  fields: object,
  isStrict: boolean,
  allTags: readonly string[],
): void {
  // A default, a check or an index that calls somebody's function writes down what that one reads.
  if (opaque.has(type) || (draft.isDynamic && draft.actions.has('ddl'))) draft.expose(allTags)
  if (harmless.has(type)) return
  if (type === 'CreateStmt' && !isStrict) return
  if (type === 'AlterTableStmt' && isHarmlessAlter(fields)) return
  if (type === 'IndexStmt' && (!isStrict || isPlainIndex(fields))) return
  for (const relation of draft.mentioned) draft.expose(relation.tags)
}

/** They hold, or bring in, code that is not looked into. */
const opaque = new Set([
  'DoStmt',
  'CreateFunctionStmt',
  'AlterFunctionStmt',
  'DefineStmt',
  'CreateCastStmt',
  'CreateTransformStmt',
  'CreateOpClassStmt',
  'CreateEventTrigStmt',
  'CreatePLangStmt',
  'CreateExtensionStmt',
  'AlterExtensionStmt',
  'CreatePublicationStmt',
  'AlterPublicationStmt',
  'CreateSubscriptionStmt',
  'AlterDatabaseSetStmt',
  'AlterRoleSetStmt',
  'AlterSystemStmt',
  'CreateTrigStmt',
  'CreateConversionStmt',
  'CreateAmStmt',
  'CreateFdwStmt',
  'AlterFdwStmt',
  'CreateForeignServerStmt',
  'AlterForeignServerStmt',
  'CreateUserMappingStmt',
  'AlterUserMappingStmt',
  'CreateForeignTableStmt',
  'ImportForeignSchemaStmt',
  'LoadStmt',
])

/** They remove, describe or maintain, or their queries are traced by themselves. */
const harmless = new Set([
  'DropStmt',
  'TruncateStmt',
  'CommentStmt',
  'GrantStmt',
  'LockStmt',
  'VacuumStmt',
  'ClusterStmt',
  'ReindexStmt',
  'RefreshMatViewStmt',
  'CreateTableAsStmt',
  'ViewStmt',
  'CreateSeqStmt',
  'AlterSeqStmt',
])

function isHarmlessAlter(statement: AlterTableStmt): boolean {
  return (statement.cmds ?? []).every((node) => {
    if (!('AlterTableCmd' in node)) return false
    const { subtype, def } = node.AlterTableCmd
    if (subtype !== 'AT_AddColumn') return harmlessAlterations.has(subtype ?? '')
    const constraints = def !== undefined && 'ColumnDef' in def ? (def.ColumnDef.constraints ?? []) : []
    return constraints.every(
      (one) => 'Constraint' in one && harmlessConstraints.has(one.Constraint.contype ?? ''),
    )
  })
}

const harmlessAlterations = new Set([
  'AT_ColumnDefault',
  'AT_DropNotNull',
  'AT_SetNotNull',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_DropColumn',
  'AT_DropConstraint',
  'AT_ChangeOwner',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_SetLogged',
  'AT_SetUnLogged',
  'AT_SetTableSpace',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ReplicaIdentity',
])

const harmlessConstraints = new Set(['CONSTR_NULL', 'CONSTR_NOTNULL', 'CONSTR_DEFAULT', 'CONSTR_IDENTITY'])

/** On bare columns and not unique: building it compares values, but tells nothing of them. */
function isPlainIndex(statement: IndexStmt): boolean {
  if (statement.unique === true || statement.whereClause !== undefined) return false
  return (statement.indexParams ?? []).every(
    (node) => 'IndexElem' in node && node.IndexElem.expr === undefined,
  )
}
