import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** What entries of the audit log are about, for machines, and who has got the log how far. Entries that are there keep their hashes. */
export async function auditFields(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  for (const column of ['kind', 'principal', 'actor', 'address'])
    await db.schema.alterTable('audit').addColumn(column, 'text').execute()
  await db.schema
    .createTable('auditReceivers')
    .modifyEnd(dialect.tableEnd)
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('seq', dialect.types.integer, (c) => c.notNull())
    .execute()
}
