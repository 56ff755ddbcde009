/** The first OID that initdb does not give out: whatever is above it, someone made. @see PostgreSQL access/transam.h */
const firstNormalOid = 16384
const textOid = 25

/** Which rows of a list are wanted, by the rows of the catalogue that each is made of, as aliases. */
type Wanted = (...madeOf: readonly string[]) => string

const everything: Wanted = () => 'true'

/** What is written since: a row's `xmin` keeps its number when it is frozen. @param horizon a transaction's number, of 64 bits */
function writtenSince(horizon: bigint): Wanted {
  // A subquery, which is computed once.
  const age = `(select pg_catalog.age('${BigInt.asUintN(32, horizon)}'::pg_catalog.xid))`
  return (...madeOf) => `(${madeOf.map((alias) => `pg_catalog.age(${alias}.xmin) <= ${age}`).join(' or ')})`
}

const shipped = `< ${firstNormalOid}`
const made = `>= ${firstNormalOid}`

const listedKinds = "c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c') and n.nspname !~ '^pg_toast'"

const relationsWhere = (condition: string): string => `
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.oid ${condition} and ${listedKinds}`

const relations = (condition: string): string => `
select 'relation', c.oid::text, n.nspname::text, c.relname::text, c.relkind::text, null ${relationsWhere(condition)}`

const columns = `
select 'column', a.attrelid::text, a.attnum::text, case when not a.attisdropped then a.attname::text end,
    (a.attgenerated <> '')::text, pg_catalog.concat_ws(' ', a.atttypid, a.atttypmod)`

const columnsWhere = (condition: string): string => `${columns}
  from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where a.attrelid ${condition} and a.attnum > 0 and ${listedKinds}`

/** Indexes of partitions apart. */
const inherits = `
  from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid where c.relkind not in ('i', 'I')`

/** What PostgreSQL ships: thousands of columns, and the same ones after nearly every change. */
export const shippedObjects = `${relations(shipped)}
union all ${columnsWhere(shipped)}
union all
select 'outputs', p.proname::text, string_agg(coalesce(o.name, ''), ',' order by o.at), null, null, null
  from pg_catalog.pg_proc p, unnest(p.proargnames, p.proargmodes) with ordinality as o(name, mode, at)
  where p.oid < ${firstNormalOid} and o.mode in ('o', 'b', 't')
  group by p.oid, p.proname
order by 1 desc, 2, 3`

const membership = "d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.deptype = 'e'"

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

const isOfExtension = (functionOid: string): string =>
  `exists (select from pg_catalog.pg_depend d where ${membership} and d.objid = ${functionOid})`

/** Where it is a function `f`, of schema `fn`, that people made and no extension has. */
const joinMade = (functionOid: string): string => `join pg_catalog.pg_proc f on f.oid = ${functionOid}
    join pg_catalog.pg_namespace fn on fn.oid = f.pronamespace
  where f.oid >= ${firstNormalOid} and not ${isOfExtension('f.oid')}`

/** What an aggregate is made of, as qualified names; those that it has. */
const supportFunctions = 'transfn finalfn combinefn serialfn deserialfn mtransfn minvtransfn mfinalfn'
  .split(' ')
  .map((one) => `nullif(a.agg${one}::pg_catalog.oid, 0::pg_catalog.oid)::pg_catalog.regproc`)
  .join(', ')

/**
 * What people made. A row is wanted where any row that it is made of is. Parsed bodies and aggregates are always told, since their text
 * follows the names in it; operators, casts and types since they are few. A comment behind a body in SQL says by which settings and whose
 * rights it runs. `members` is a digest, since whoever leaves an extension leaves no trace.
 */
const madeBy = (wanted: Wanted): string => `${relations(made)} and ${wanted('c', 'n')}
union all
select 'horizon', pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text, null, null, null, null
union all
select 'schema', n.oid::text, n.nspname::text, null, null, null from pg_catalog.pg_namespace n where ${wanted('n')}
union all
select 'inherits', i.inhrelid::text, i.inhparent::text, null, null, null ${inherits} and ${wanted('i')}
union all
select 'function', p.oid::text, n.nspname::text, p.proname::text, m.conduct,
    case m.conduct
      when 'sql' then coalesce(pg_catalog.pg_get_function_sqlbody(p.oid),
        pg_catalog.concat(p.prosrc, pg_catalog.chr(10), '-- ', m.run_as))
      when 'naming' then pg_catalog.concat_ws(' ', m.hash, p.prosrc, ${supportFunctions})
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
      pg_catalog.md5(pg_catalog.concat(p.oid, p.prosrc, p.probin, p.proconfig, p.prosqlbody, p.prosecdef, p.proowner)) as hash,
      pg_catalog.md5(pg_catalog.concat(p.proconfig, p.prosecdef, p.proowner)) as run_as) m
  where p.oid >= ${firstNormalOid} and (p.prosqlbody is not null or p.prokind = 'a' or ${wanted('p', 'n', 'l')})
union all
select 'members', pg_catalog.md5(string_agg(d.objid::text, ' ' order by d.objid)), null, null, null, null
  from pg_catalog.pg_depend d where ${membership}
union all
select 'operator', n.nspname::text, o.oprname::text, fn.nspname::text, f.proname::text, null
  from pg_catalog.pg_operator o
    join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
    ${joinMade('o.oprcode')}
union all
select 'cast', t.typname::text, fn.nspname::text, f.proname::text,
    (c.castcontext <> 'e' or t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace)::text, null
  from pg_catalog.pg_cast c
    join pg_catalog.pg_type t on t.oid = c.casttarget
    ${joinMade('c.castfunc')}
union all
select 'type', t.oid::text, t.typbasetype::text, t.typtypmod::text, null, null
  from pg_catalog.pg_type t where t.typtype = 'd'
union all
select 'type', t.oid::text, '${textOid}', '-1', null, null
  from pg_catalog.pg_type t join pg_catalog.pg_proc p on p.oid = t.typsend
  where t.oid >= ${firstNormalOid} and t.typname = 'citext' and p.prosrc = 'textsend'`

export const madeObjects = `${madeBy(everything)}
union all ${columnsWhere(made)}`

/** The same, but what was made and changed since; and what there is, by which what is gone shows. @param horizon a listing's */
export function madeSince(horizon: bigint): string {
  const isNew = writtenSince(horizon)
  return `${madeBy(isNew)}
union all ${columnsWhere(made)} and ${isNew('a')}
union all ${columns}
  from pg_catalog.pg_attribute a
  where a.attnum > 0 and a.attrelid = any (array(select c.oid ${relationsWhere(made)} and ${isNew('c', 'n')}))
union all
select 'present', string_agg(c.oid::text, ' '), null, null, null, null ${relationsWhere(made)}
union all
select 'count', 'schema', count(*)::text, null, null, null from pg_catalog.pg_namespace
union all
select 'count', 'inherits', count(*)::text, null, null, null ${inherits}
union all
select 'count', 'function', count(*)::text, null, null, null from pg_catalog.pg_proc where oid >= ${firstNormalOid}
union all
select 'rule', r.oid::text, null, null, null, null
  from pg_catalog.pg_rewrite r where r.ev_class >= ${firstNormalOid} and ${isNew('r')}`
}

const views = `where relkind in ('v', 'm') and oid >= ${firstNormalOid} order by oid`

/**
 * Under a search_path of its own, so that names come qualified, and under a lock timeout, since a definition waits for whoever alters
 * what it reads. What the settings are is over with the statement.
 */
export const allDefinitions = `
with pinned as materialized (
  select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true) as path,
    pg_catalog.set_config('lock_timeout', '500ms', true) as timeout
)
select oid::text, pg_catalog.pg_get_viewdef(oid)
  from pinned join pg_catalog.pg_class on pinned.path is not null and pinned.timeout is not null ${views}`

export const allViews = `select oid::text, null from pg_catalog.pg_class ${views}`
