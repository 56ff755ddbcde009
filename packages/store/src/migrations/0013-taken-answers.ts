import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Answers of identity providers that were taken, and are not taken again. */
export async function takenAnswers(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  await db.schema
    .createTable('takenAnswers')
    .modifyEnd(dialect.tableEnd)
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('expiresAt', dialect.types.integer, (c) => c.notNull())
    .execute()
  await db.schema.createIndex('takenAnswersByEnd').on('takenAnswers').column('expiresAt').execute()
}
