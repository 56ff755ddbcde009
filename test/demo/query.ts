/** A client for machines without psql: runs one statement as the environment says (PGHOST, PGUSER, …) and prints what comes. */
import { readFileSync } from 'node:fs'
import pg from 'pg'

const ca = process.env['PGSSLROOTCERT']
const client = new pg.Client(ca === undefined ? {} : { ssl: { ca: readFileSync(ca, 'utf8') } })
client.on('notice', ({ message }) => process.stderr.write(`NOTICE:  ${message}\n`))
try {
  await client.connect()
  const { rows, command, rowCount } = await client.query(process.argv[2] ?? 'select 1')
  for (const row of rows as Record<string, unknown>[])
    process.stdout.write(`${Object.values(row).join(' | ')}\n`)
  process.stdout.write(rows.length === 0 ? `${command} ${rowCount ?? ''}\n` : `(${rows.length} rows)\n`)
} catch (thrown) {
  const { message, hint } = thrown as { message?: string; hint?: string }
  process.stderr.write(
    `ERROR:  ${message ?? String(thrown)}\n${hint === undefined ? '' : `HINT:  ${hint}\n`}`,
  )
  process.exitCode = 1
}
await client.end().catch(() => undefined)
