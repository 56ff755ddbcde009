import type { Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** How long a provider's word for a person is good for keys of theirs. */
export async function wordOfProviders(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  await db.schema.alterTable('users').addColumn('vouchedUntil', dialect.types.integer).execute()
}
