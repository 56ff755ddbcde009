import type { Kysely } from 'kysely'
import type { Tables } from '../schema.ts'

/** Why a set of policies was applied, in its author's words. */
export async function noteOfPolicySet(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .alterTable('policySets')
    .addColumn('note', 'text', (c) => c.notNull().defaultTo(''))
    .execute()
}
