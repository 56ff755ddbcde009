import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Issuers as declared, what stands by their tokens, and users whom a provider knows. */
export async function federationTables(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const { integer } = dialect.types
  await db.schema
    .createTable('issuers')
    .modifyEnd(dialect.tableEnd)
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('document', 'text', (c) => c.notNull())
    .addColumn('updatedAt', integer, (c) => c.notNull())
    .execute()
  await db.schema.alterTable('tokens').addColumn('issuer', 'text').execute()
  await db.schema.alterTable('users').addColumn('issuer', 'text').execute()
  await db.schema.alterTable('users').addColumn('subject', 'text').execute()
  await db.schema.alterTable('users').addColumn('claimedAt', integer).execute()
  await db.schema.createIndex('oneUserEach').unique().on('users').columns(['issuer', 'subject']).execute()
}
