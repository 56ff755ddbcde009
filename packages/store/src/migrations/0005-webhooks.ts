import { sql, type Kysely } from 'kysely'
import type { StoreDialect } from '../dialects/dialect.ts'
import type { Tables } from '../schema.ts'

/** Webhooks as declared, what they have not been told yet or could not be; and what reviewers are told of how much an operation touches. */
export async function webhookTables(db: Kysely<Tables>, dialect: StoreDialect): Promise<void> {
  const { integer } = dialect.types
  const create = (name: keyof Tables) => db.schema.createTable(name).modifyEnd(dialect.tableEnd)
  await create('webhooks')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('document', 'text', (c) => c.notNull())
    .addColumn('updatedAt', integer, (c) => c.notNull())
    .execute()
  await create('webhookDeliveries')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('webhook', 'text', (c) => c.notNull().references('webhooks.name'))
    .addColumn('event', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('news', 'text', (c) => c.notNull())
    .addColumn('at', integer, (c) => c.notNull())
    .addColumn('dueAt', integer, (c) => c.notNull())
    .addColumn('attempts', integer, (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull().check(sql`"state" in ('waiting', 'dead')`))
    .addColumn('problem', 'text')
    .addColumn('triedAt', integer)
    .execute()
  await db.schema
    .createIndex('webhookDeliveriesDue')
    .on('webhookDeliveries')
    .columns(['state', 'dueAt', 'id'])
    .execute()
  await db.schema
    .createIndex('webhookDeliveriesOf')
    .on('webhookDeliveries')
    .columns(['webhook', 'state'])
    .execute()
  await db.schema
    .createIndex('webhookDeliveriesAbout')
    .on('webhookDeliveries')
    .columns(['subject', 'event'])
    .execute()
  await db.schema.alterTable('reviews').addColumn('blastRadius', 'text').execute()
}
