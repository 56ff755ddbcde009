import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Public keys of people, and which log-ins stand by which of them. */
export async function sshKeyTable(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const { integer } = dialect.types
  await db.schema
    .createTable('sshKeys')
    .modifyEnd(dialect.tableEnd)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('fingerprint', 'text', (c) => c.notNull().unique())
    .addColumn('publicKey', 'text', (c) => c.notNull())
    .addColumn('principalId', 'text', (c) => c.notNull())
    .addColumn('label', 'text', (c) => c.notNull())
    .addColumn('createdAt', integer, (c) => c.notNull())
    .addColumn('expiresAt', integer, (c) => c.notNull())
    .addColumn('lastUsedAt', integer)
    .execute()
  await db.schema.createIndex('sshKeysByPrincipal').on('sshKeys').column('principalId').execute()
  await db.schema.alterTable('tokens').addColumn('sshKey', 'text').execute()
  await db.schema.createIndex('tokensBySshKey').on('tokens').column('sshKey').execute()
}
