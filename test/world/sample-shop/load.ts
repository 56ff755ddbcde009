import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { customers } from './customers.ts'
import { trade } from './trade.ts'

export interface SampleShopOptions {
  /** A log-in role to create (or to give this password) that may read and write the shop, and no more. */
  readonly account?: { readonly user: string; readonly password: string }
}

/** Fills an empty database, given by its connection URI, with a small shop: 400 customers and what they bought. */
export async function loadSampleShop(url: string, options: SampleShopOptions = {}): Promise<void> {
  const people = customers(400)
  const rows = { customers: people, ...trade(people, { orders: 900, tickets: 120 }) }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query(await readFile(new URL('schema.sql', import.meta.url), 'utf8'))
    for (const table of ['customers', 'products', 'orders', 'order_items', 'support_tickets'] as const) {
      await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [
        JSON.stringify(rows[table]),
      ])
      if (table === 'order_items') continue
      await client.query(
        `SELECT setval(pg_get_serial_sequence('${table}', 'id'), (SELECT max(id) FROM ${table}))`,
      )
    }
    if (options.account) await admit(client, options.account)
    await client.query('COMMIT')
    await client.query('VACUUM ANALYZE')
  } finally {
    await client.end()
  }
}

async function admit(client: pg.Client, account: { user: string; password: string }): Promise<void> {
  const name = pg.escapeIdentifier(account.user)
  const known = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [account.user])
  if (known.rowCount === 0) await client.query(`CREATE ROLE ${name} LOGIN`)
  await client.query(`ALTER ROLE ${name} PASSWORD ${pg.escapeLiteral(account.password)}`)
  await client.query(
    `GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA public TO ${name}`,
  )
  await client.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${name}`)
}
