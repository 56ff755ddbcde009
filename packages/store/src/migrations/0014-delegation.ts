import type { Kysely } from 'kysely'
import type { Tables } from '../schema.ts'

/** By which token another was delegated, how far, and who may be; and by which token a session was opened. */
export async function delegationColumns(db: Kysely<Tables>): Promise<void> {
  for (const column of ['parent', 'actorToken', 'scope', 'party', 'mayAct'] as const)
    await db.schema.alterTable('tokens').addColumn(column, 'text').execute()
  await db.schema.createIndex('tokensByParent').on('tokens').column('parent').execute()
  await db.schema.createIndex('tokensByActorToken').on('tokens').column('actorToken').execute()
  await db.schema.alterTable('sessions').addColumn('token', 'text').execute()
}
