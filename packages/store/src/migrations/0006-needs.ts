import { sql, type Kysely } from 'kysely'
import type { Tables } from '../schema.ts'

/** Several groups may have to approve: how many of which, in place of one list of groups and one number. */
export async function needsOfReviews(db: Kysely<Tables>): Promise<void> {
  for (const table of ['reviews', 'accessRequests'] as const) {
    await db.schema.alterTable(table).addColumn('needs', 'text').execute()
    await sql`
      update ${sql.table(table)}
      set "needs" = '[{"groups":' || "reviewers" || ',"approvals":' || "approvalsNeeded" || '}]'
    `.execute(db)
    for (const column of ['reviewers', 'approvalsNeeded'])
      await db.schema.alterTable(table).dropColumn(column).execute()
  }
}
