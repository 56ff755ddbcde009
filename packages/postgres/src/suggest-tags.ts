import {
  Fault,
  type OwnTarget,
  type SampleRequest,
  type TagSuggestion,
  type TagSuggestions,
} from '@sallyport/core'
import { ColumnEvidence } from '@sallyport/masking'
import type { ScramKeyring } from './login/scram-keys.ts'
import { openSide } from './open-side.ts'
import type { PostgresOptions } from './options.ts'
import type { SideConnection } from './side-connection.ts'

/** For all of it: whoever asked waits for the answer. */
const wholeMs = 10_000
/** For one table. */
const tableMs = 3_000
const maxTables = 500
const maxColumns = 200
/** Of one value: what it is shows in its beginning. */
const maxLetters = 500
/** How many times more rows than wanted a table must have to be sampled page by page. */
const pagesFrom = 10

/**
 * Samples the tables of one database and says which columns hold what. Reads only, each table for a short while, waits for no lock,
 * and keeps counts alone.
 * @throws Fault where the target cannot be reached or asked
 */
export async function suggestTags(
  target: OwnTarget<PostgresOptions>,
  { database = target.resource.options.database ?? target.account, schema, rows }: SampleRequest,
  keyring: ScramKeyring,
  signal: AbortSignal,
): Promise<TagSuggestions> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(wholeMs)])
  const side = await openSide(target, {
    database,
    keyring,
    timeoutMs: tableMs,
    signal,
    settings: { default_transaction_read_only: 'on', lock_timeout: '500', search_path: 'pg_catalog' },
  })
  try {
    const suggestions: TagSuggestion[] = []
    const leftOut: string[] = []
    const tables = await tablesIn(side, schema)
    for (const table of tables) {
      const found = deadline.aborted ? undefined : await evidenceOf(side, table, rows)
      if (found === undefined) leftOut.push(table.name)
      else suggestions.push(...found)
    }
    signal.throwIfAborted()
    return { suggestions, tables: tables.length - leftOut.length, leftOut }
  } finally {
    side.end()
  }
}

interface Table {
  /** `schema.table`. */
  readonly name: string
  /** The same as SQL. */
  readonly sql: string
  readonly estimatedRows: number
  readonly columns: { readonly name: string; readonly sql: string }[]
}

async function tablesIn(side: SideConnection, schema: string | undefined): Promise<readonly Table[]> {
  const tables = new Map<string, Table>()
  for (const [oid, name, sql, estimate, column, columnSql] of await side.query(listOf(schema))) {
    const table = tables.get(oid!) ?? { name: name!, sql: sql!, estimatedRows: Number(estimate), columns: [] }
    tables.set(oid!, table)
    if (table.columns.length < maxColumns) table.columns.push({ name: column!, sql: columnSql! })
  }
  if (tables.size > maxTables)
    throw new Fault('target/malformed', `there are more than ${maxTables} tables: name a schema`)
  return [...tables.values()]
}

/** Columns in which something may stand that is worth a tag. A partition is looked at through its table. */
const listOf = (schema: string | undefined): string => `
select c.oid::text, n.nspname || '.' || c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
  greatest(c.reltuples, 0)::bigint::text, a.attname::text, quote_ident(a.attname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
  join pg_type t on t.oid = a.atttypid
where c.relkind in ('r', 'p', 'm') and not c.relispartition and a.attnum > 0 and not a.attisdropped
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and t.typcategory in ('S', 'N', 'A', 'U', 'D', 'C', 'Z')
  ${schema === undefined ? '' : `and n.nspname = ${literal(schema)}`}
order by n.nspname, c.relname, a.attnum
limit ${maxTables * maxColumns}`

/** Undefined where the table cannot be read. */
async function evidenceOf(
  side: SideConnection,
  table: Table,
  rows: number,
): Promise<readonly TagSuggestion[] | undefined> {
  let sample
  try {
    sample = await side.query(sampleOf(table, rows))
  } catch (thrown) {
    // What the target refuses, such as for want of a privilege or of time, is left out; without a target there is nothing.
    if (thrown instanceof Fault && thrown.code === 'target/malformed') return undefined
    throw thrown
  }
  return table.columns.flatMap(({ name }, i) => {
    const evidence = new ColumnEvidence(name)
    for (const row of sample) if (typeof row[i] === 'string') evidence.see(row[i])
    return evidence
      .proposed()
      .map((it) => ({ column: `${table.name}.${name}`, values: evidence.values, ...it }))
  })
}

function sampleOf({ sql, estimatedRows, columns }: Table, rows: number): string {
  const list = columns.map((column) => `left(${column.sql}::text, ${maxLetters})`).join(', ')
  const percent = Math.min(100, (300 * rows) / Math.max(1, estimatedRows))
  const pages = estimatedRows > pagesFrom * rows ? ` tablesample system (${percent.toFixed(6)})` : ''
  return `select ${list} from ${sql}${pages} limit ${rows}`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
