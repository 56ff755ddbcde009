import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Sign-ins at a provider that can be asked about, and which tokens stand by which. */
export async function signInTables(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  await db.schema
    .createTable('signIns')
    .modifyEnd(dialect.tableEnd)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('userName', 'text', (c) => c.notNull())
    .addColumn('refresh', dialect.types.bytes, (c) => c.notNull())
    .execute()
  await db.schema.alterTable('tokens').addColumn('signIn', 'text').execute()
}
