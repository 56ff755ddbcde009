import { createHash } from 'node:crypto'
import type { Masking } from '@sallyport/core'
import type { CatalogLimits } from './limits.ts'
import type { RelationKind } from './snapshot.ts'

/** Runs one statement over a side connection under the session's account; every value as text. */
export type CatalogQuery = (sql: string) => Promise<readonly (readonly (string | null)[])[]>

/** What the catalogue said, before tags are worked out. */
export interface Content extends Listed {
  /** By view OID; `null` where the server did not give it. Empty where nothing is masked. */
  readonly definitions: ReadonlyMap<number, string | null>
}

/** What a list of the catalogue's objects says. */
export interface Listed {
  readonly fingerprint: string
  readonly schemas: readonly string[]
  readonly relations: readonly ContentRelation[]
  /** Child and parent OIDs, partitions included. */
  readonly inheritance: readonly (readonly [child: number, parent: number])[]
  /** Functions that no PostgreSQL release ships, each overload. */
  readonly functions: readonly ContentFunction[]
  /** Operators that run functions which people made, those of extensions apart. One with several such functions is there for each. */
  readonly operators: readonly (FunctionName & { readonly operator: FunctionName })[]
  /** Types to which such functions cast. `isHidden`: without the type's name, or by another of its names. */
  readonly casts: readonly (FunctionName & { readonly typeName: string; readonly isHidden: boolean })[]
  /** Columns of functions that PostgreSQL ships and that return several, by name. */
  readonly outputs: ReadonlyMap<string, readonly string[]>
}

export interface FunctionName {
  readonly schema: string
  readonly name: string
}

export interface ContentFunction extends FunctionName {
  /**
   * `calm`: compiled code of an extension that changes nothing. `sql`: its body is SQL. `naming`: it changes nothing itself, but may
   * call what its body names. `opaque`: may do anything, and the body is a hash, by which a change shows.
   */
  readonly conduct: 'calm' | 'sql' | 'naming' | 'opaque'
  readonly body: string
}

export interface ContentRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  readonly columns: { readonly attnum: number; readonly name: string; readonly isGenerated: boolean }[]
}

/** The relations that come with PostgreSQL: thousands of columns, and the same ones after nearly every change. */
export async function readShipped(query: CatalogQuery, limits: CatalogLimits): Promise<Listed> {
  return list(await query(shippedObjects), limits)
}

/**
 * All that people made, added to what was shipped. Two statements at most, each with one view of the catalogue. Definitions
 * are asked for under a search_path of their own, so that their names come qualified, and under a lock timeout, since a
 * definition waits for whoever alters what it reads.
 */
export async function readContent(
  query: CatalogQuery,
  masking: Masking,
  limits: CatalogLimits,
  shipped: Listed,
): Promise<Content> {
  const made = list(await query(madeObjects), limits)
  const definitions = masking.columns.length > 0 ? await readDefinitions(query, limits) : new Map()
  const hash = createHash('sha256').update(shipped.fingerprint).update(made.fingerprint)
  for (const [oid, definition] of definitions) hash.update(`${oid}\0${definition}\n`)
  return {
    fingerprint: hash.digest('base64'),
    schemas: made.schemas,
    relations: [...made.relations, ...shipped.relations],
    inheritance: made.inheritance,
    functions: made.functions,
    operators: made.operators,
    casts: made.casts,
    outputs: shipped.outputs,
    definitions,
  }
}

function list(rows: readonly (readonly (string | null)[])[], limits: CatalogLimits): Listed {
  const schemas: string[] = []
  const relations = new Map<number, ContentRelation>()
  const inheritance: [number, number][] = []
  const functions: ContentFunction[] = []
  const operators: Listed['operators'][number][] = []
  const casts: Listed['casts'][number][] = []
  const outputs = new Map<string, readonly string[]>()
  let columns = 0
  for (const [what, a, b, c, d] of rows) {
    if (what === 'schema') schemas.push(text(a))
    else if (what === 'relation') {
      const oid = Number(a)
      relations.set(oid, { oid, schema: text(b), name: text(c), kind: text(d), columns: [] })
      if (relations.size > limits.maxRelations) throw new RangeError('too many relations to hold')
    } else if (what === 'column') {
      if (++columns > limits.maxColumns) throw new RangeError('too many columns to hold')
      relations.get(Number(a))?.columns.push({ attnum: Number(b), name: text(c), isGenerated: d === 'true' })
    } else if (what === 'inherits') inheritance.push([Number(a), Number(b)])
    else if (what === 'function') {
      const conduct = c === 'calm' || c === 'sql' || c === 'naming' ? c : 'opaque'
      functions.push({ schema: text(a), name: text(b), conduct, body: d ?? '' })
    } else if (what === 'operator')
      operators.push({ schema: text(c), name: text(d), operator: { schema: text(a), name: text(b) } })
    else if (what === 'cast')
      casts.push({ schema: text(b), name: text(c), typeName: text(a), isHidden: d !== 'false' })
    else if (what === 'outputs') outputs.set(text(a), text(b).split(','))
    else throw new TypeError('unexpected row in the catalogue')
  }
  for (const relation of relations.values()) relation.columns.sort((one, other) => one.attnum - other.attnum)
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(rows)).digest('base64'),
    schemas,
    relations: [...relations.values()],
    inheritance,
    functions,
    operators,
    casts,
    outputs,
  }
}

async function readDefinitions(
  query: CatalogQuery,
  limits: CatalogLimits,
): Promise<Map<number, string | null>> {
  let rows
  try {
    rows = await query(allDefinitions)
  } catch {
    // most likely a lock that another session, or this session's own transaction, holds: views are then untraceable
    rows = await query(allViews)
  }
  const definitions = new Map<number, string | null>()
  let length = 0
  for (const [oid, definition] of rows) {
    length += definition?.length ?? 0
    definitions.set(Number(oid), length > limits.maxDefinitionLength ? null : (definition ?? null))
  }
  return definitions
}

function text(value: string | null | undefined): string {
  if (value === null || value === undefined) throw new TypeError('a name in the catalogue is null')
  return value
}

/** The first OID that initdb does not give out: whatever is above it, someone made. @see PostgreSQL access/transam.h */
const firstNormalOid = 16384

const relationsWhere = (condition: string): string => `
select 'relation', c.oid::text, n.nspname::text, c.relname::text, c.relkind::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid ${condition} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and n.nspname !~ '^pg_toast'
union all
select 'column', a.attrelid::text, a.attnum::text, a.attname::text, (a.attgenerated <> '')::text
  from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where a.attrelid ${condition} and a.attnum > 0 and not a.attisdropped
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and n.nspname !~ '^pg_toast'`

const shippedObjects = `${relationsWhere(`< ${firstNormalOid}`)}
union all
select 'outputs', p.proname::text, string_agg(coalesce(o.name, ''), ',' order by o.at), null, null
  from pg_catalog.pg_proc p, unnest(p.proargnames, p.proargmodes) with ordinality as o(name, mode, at)
  where p.oid < ${firstNormalOid} and o.mode in ('o', 'b', 't')
  group by p.oid, p.proname
order by 1 desc, 2, 3, 4`

/**
 * Volatile functions of the extensions that come with PostgreSQL, and of PostGIS, that were looked at: they compute, and are volatile
 * since they draw lots or keep a setting. Any other may do anything.
 */
const harmlessOfExtensions = `
  gen_random_bytes gen_random_uuid gen_salt isn_weak normal_rand pgp_pub_encrypt pgp_pub_encrypt_bytea pgp_sym_encrypt
  pgp_sym_encrypt_bytea set_limit st_generatepoints uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4`
  .trim()
  .split(/\s+/)
  .join(',')

const isOfExtension = (functionOid: string): string => `exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = ${functionOid} and d.deptype = 'e')`

const madeObjects = `${relationsWhere(`>= ${firstNormalOid}`)}
union all
select 'schema', nspname::text, null, null, null from pg_catalog.pg_namespace
union all
select 'inherits', inhrelid::text, inhparent::text, null, null from pg_catalog.pg_inherits
union all
select 'function', n.nspname::text, p.proname::text, m.conduct,
    case m.conduct
      when 'sql' then coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)
      when 'naming' then pg_catalog.concat_ws(' ', m.hash, p.prosrc, a.aggtransfn, a.aggfinalfn, a.aggcombinefn,
        a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
      else m.hash end
  from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_language l on l.oid = p.prolang
    left join pg_catalog.pg_aggregate a on a.aggfnoid = p.oid,
    lateral (select case
        when l.lanname = 'sql' then 'sql'
        when p.prokind = 'a' or l.lanname = 'plpgsql' and p.provolatile <> 'v' then 'naming'
        when l.lanname in ('c', 'internal') and ${isOfExtension('p.oid')}
          and (p.provolatile <> 'v' or p.proname = any ('{${harmlessOfExtensions}}')) then 'calm'
        else 'opaque' end as conduct,
      pg_catalog.md5(pg_catalog.concat(p.oid, p.prosrc, p.probin, p.proconfig, p.prosqlbody)) as hash) m
  where p.oid >= ${firstNormalOid}
union all
select 'operator', n.nspname::text, o.oprname::text, fn.nspname::text, f.proname::text
  from pg_catalog.pg_operator o
    join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
    join pg_catalog.pg_proc f on f.oid = o.oprcode
    join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
  where o.oprcode >= ${firstNormalOid} and not ${isOfExtension('o.oprcode')}
union all
select 'cast', t.typname::text, fn.nspname::text, f.proname::text,
    (c.castcontext <> 'e' or t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace)::text
  from pg_catalog.pg_cast c
    join pg_catalog.pg_type t on t.oid = c.casttarget
    join pg_catalog.pg_proc f on f.oid = c.castfunc
    join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
  where c.castfunc >= ${firstNormalOid} and not ${isOfExtension('c.castfunc')}
order by 1 desc, 2, 3, 4, 5`

const views = `where relkind in ('v', 'm') and oid >= ${firstNormalOid} order by oid`
/** What the settings are is over with the statement. */
const allDefinitions = `
with pinned as materialized (
  select pg_catalog.set_config('search_path', 'pg_catalog', true) as path,
    pg_catalog.set_config('lock_timeout', '500ms', true) as timeout
)
select oid::text, pg_catalog.pg_get_viewdef(oid)
  from pinned join pg_catalog.pg_class on pinned.path is not null and pinned.timeout is not null ${views}`
const allViews = `select oid::text, null from pg_catalog.pg_class ${views}`
