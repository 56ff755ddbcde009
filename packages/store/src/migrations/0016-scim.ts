import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** People and groups as a provider's SCIM connector keeps them, by which tokens it does, and what of a user is its to say. */
export async function scimTables(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const { integer } = dialect.types
  await db.schema.alterTable('users').addColumn('disabledBy', 'text').execute()
  await db.schema.alterTable('users').addColumn('groupsBy', 'text').execute()
  await db.schema
    .createTable('scimTokens')
    .modifyEnd(dialect.tableEnd)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('hash', 'text', (c) => c.notNull().unique())
    .addColumn('label', 'text', (c) => c.notNull())
    .addColumn('createdAt', integer, (c) => c.notNull())
    .addColumn('createdBy', 'text', (c) => c.notNull())
    .addColumn('expiresAt', integer, (c) => c.notNull())
    .addColumn('revokedAt', integer)
    .addColumn('lastUsedAt', integer)
    .addColumn('lastUsedFrom', 'text')
    .execute()
  await db.schema
    .createTable('scimUsers')
    .modifyEnd(dialect.tableEnd)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('userName', 'text', (c) => c.notNull().unique())
    .addColumn('externalId', 'text')
    .addColumn('user', 'text', (c) => c.notNull().unique())
    .addColumn('attributes', 'text', (c) => c.notNull())
    .addColumn('createdAt', integer, (c) => c.notNull())
    .addColumn('updatedAt', integer, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('scimUsersByExternalId').on('scimUsers').column('externalId').execute()
  await db.schema
    .createTable('scimGroups')
    .modifyEnd(dialect.tableEnd)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('displayName', 'text', (c) => c.notNull().unique())
    .addColumn('externalId', 'text')
    .addColumn('attributes', 'text', (c) => c.notNull())
    .addColumn('createdAt', integer, (c) => c.notNull())
    .addColumn('updatedAt', integer, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('scimGroupsByExternalId').on('scimGroups').column('externalId').execute()
  await db.schema
    .createTable('scimMembers')
    .modifyEnd(dialect.tableEnd)
    .addColumn('group', 'text', (c) => c.notNull())
    .addColumn('member', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('oneMembershipEach', ['group', 'member'])
    .execute()
  await db.schema.createIndex('scimMembersByMember').on('scimMembers').column('member').execute()
}
