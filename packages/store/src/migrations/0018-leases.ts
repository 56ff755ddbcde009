import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** What was made for a session at a target or a credential store, and has to be undone after it. */
export async function leaseTable(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const { integer, bytes } = dialect.types
  await db.schema
    .createTable('leases')
    .modifyEnd(dialect.tableEnd)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('session', 'text', (c) => c.notNull())
    .addColumn('resource', 'text', (c) => c.notNull())
    .addColumn('account', 'text', (c) => c.notNull())
    .addColumn('process', integer, (c) => c.notNull())
    .addColumn('what', bytes, (c) => c.notNull())
    .addColumn('lastsMs', integer)
    .addColumn('dueAt', integer)
    .addColumn('endsAt', integer)
    .addColumn('attempts', integer, (c) => c.notNull())
    .addColumn('problem', 'text')
    .execute()
  await db.schema.createIndex('leasesDue').on('leases').column('dueAt').execute()
}
