import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Several processes hold sessions: where one dies, its own have ended, and no others. */
export async function processOfSession(db: Kysely<Tables>, { types }: StoreDialect): Promise<void> {
  await db.schema
    .alterTable('sessions')
    .addColumn('process', types.integer, (c) => c.notNull().defaultTo(0))
    .execute()
}
