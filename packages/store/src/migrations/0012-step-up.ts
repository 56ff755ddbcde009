import { sql, type Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Every sign-in, whether or not it can be asked about, with how it was done; and logout tokens that were taken. */
export async function howSignedIn(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const { integer, bytes } = dialect.types
  // A column that was never null cannot become otherwise in every database: the rows move to another table.
  await db.schema.alterTable('signIns').renameTo('signInsBefore').execute()
  await db.schema
    .createTable('signIns')
    .modifyEnd(dialect.tableEnd)
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('userName', 'text', (c) => c.notNull())
    .addColumn('issuer', 'text')
    .addColumn('sid', 'text')
    .addColumn('refresh', bytes)
    .addColumn('acr', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('amr', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('signedInAt', integer)
    .execute()
  await sql`
    insert into ${sql.table('signIns')} (${sql.ref('id')}, ${sql.ref('userName')}, ${sql.ref('issuer')}, ${sql.ref('refresh')})
    select ${sql.ref('signInsBefore.id')}, ${sql.ref('signInsBefore.userName')}, ${sql.ref('users.issuer')}, ${sql.ref('signInsBefore.refresh')}
    from ${sql.table('signInsBefore')}
    left join ${sql.table('users')} on ${sql.ref('users.name')} = ${sql.ref('signInsBefore.userName')}`.execute(
    db,
  )
  await db.schema.dropTable('signInsBefore').execute()
  await db.schema
    .createTable('logoutTokens')
    .modifyEnd(dialect.tableEnd)
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('expiresAt', integer, (c) => c.notNull())
    .execute()
}
