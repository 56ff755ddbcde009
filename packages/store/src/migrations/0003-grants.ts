import { sql, type Kysely } from 'kysely'
import { accessRequestTransitions } from '@sallyport/core'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Requests for access, the answers to them, the grants that they become, and which sessions stood on which. */
export async function grantTables(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const { integer } = dialect.types
  const create = (name: keyof Tables) => db.schema.createTable(name).modifyEnd(dialect.tableEnd)
  await create('accessRequestMoves')
    .addColumn('was', 'text', (c) => c.notNull())
    .addColumn('becomes', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('accessRequestMovesKey', ['was', 'becomes'])
    .execute()
  await create('accessRequests')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('requester', 'text', (c) => c.notNull())
    .addColumn('requesterId', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('actorId', 'text', (c) => c.notNull())
    .addColumn('resource', 'text', (c) => c.notNull())
    .addColumn('account', 'text', (c) => c.notNull())
    .addColumn('durationMs', integer, (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('ticket', 'text')
    .addColumn('askedFrom', 'text', (c) => c.notNull())
    .addColumn('policies', 'text', (c) => c.notNull())
    .addColumn('policyReason', 'text')
    .addColumn('reviewers', 'text', (c) => c.notNull())
    .addColumn('approvalsNeeded', integer, (c) => c.notNull())
    .addColumn('askedAt', integer, (c) => c.notNull())
    .addColumn('expiresAt', integer, (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull().check(sql`"state" in (${states})`))
    .execute()
  await db.schema.createIndex('accessRequestsByState').on('accessRequests').columns(['state', 'id']).execute()
  await db.schema
    .createIndex('oneOpenAccessRequest')
    .unique()
    .on('accessRequests')
    .columns(['requesterId', 'actorId', 'resource', 'account'])
    .where(sql.ref('state'), '=', sql.lit('open'))
    .execute()
  await create('accessAnswers')
    .addColumn('request', 'text', (c) => c.notNull().references('accessRequests.id'))
    .addColumn('byId', 'text', (c) => c.notNull())
    .addColumn('byName', 'text', (c) => c.notNull())
    .addColumn('verdict', 'text', (c) => c.notNull().check(sql`"verdict" in ('approve', 'deny', 'close')`))
    .addColumn('comment', 'text')
    .addColumn('answeredFrom', 'text', (c) => c.notNull())
    .addColumn('at', integer, (c) => c.notNull())
    .addPrimaryKeyConstraint('oneAccessAnswerEach', ['request', 'byId'])
    .execute()
  await create('grants')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('request', 'text', (c) => c.notNull().unique().references('accessRequests.id'))
    .addColumn('principal', 'text', (c) => c.notNull())
    .addColumn('principalId', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('actorId', 'text', (c) => c.notNull())
    .addColumn('resource', 'text', (c) => c.notNull())
    .addColumn('account', 'text', (c) => c.notNull())
    .addColumn('approvers', 'text', (c) => c.notNull())
    .addColumn('reviewers', 'text', (c) => c.notNull())
    .addColumn('startsAt', integer, (c) => c.notNull())
    .addColumn('endsAt', integer, (c) => c.notNull())
    .addColumn('revokedAt', integer)
    .addColumn('revokedBy', 'text')
    .addColumn('revokedWhy', 'text')
    .execute()
  await db.schema.createIndex('grantsByEnd').on('grants').columns(['endsAt']).execute()
  await db.schema
    .createIndex('grantsByPrincipal')
    .on('grants')
    .columns(['principalId', 'resource', 'endsAt'])
    .execute()
  await db.schema.alterTable('sessions').addColumn('grantId', 'text').execute()
  await db
    .insertInto('accessRequestMoves')
    .values(
      Object.entries(accessRequestTransitions).flatMap(([was, next]) =>
        next.map((becomes) => ({ was, becomes })),
      ),
    )
    .execute()
  await dialect.guardGrants(db)
}

const states = sql.join(Object.keys(accessRequestTransitions).map((state) => sql.lit(state)))
