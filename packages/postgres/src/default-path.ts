import { Fault } from '@sallyport/core'
import type { CatalogQuery } from './catalog/content.ts'

/**
 * `search_path` as a session has it that logs in now: what is set for account and database, the narrowest first, else what is
 * configured. A connection that logged in before tells its own instead. Null where that was set for it then, and is not any more.
 * @see PostgreSQL source, process_settings
 */
const question = `
select coalesce(
    (select pg_catalog.substr(one.setting, ${'search_path='.length + 1})
      from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) one(setting)
      where one.setting ${op('~~')} 'search\\_path=%'
        and s.setrole ${op('=')} any (array[0::pg_catalog.oid,
          (select r.oid from pg_catalog.pg_roles r where r.rolname ${op('=')} session_user)])
        and s.setdatabase ${op('=')} any (array[0::pg_catalog.oid,
          (select d.oid from pg_catalog.pg_database d where d.datname ${op('=')} pg_catalog.current_database())])
      order by s.setrole ${op('=')} 0::pg_catalog.oid, s.setdatabase ${op('=')} 0::pg_catalog.oid limit 1),
    case when p.source ${op('<>')} all (array['global', 'database', 'user', 'database user']) then p.reset_val end)
  from pg_catalog.pg_settings p where p.name ${op('=')} 'search_path'`

/** The server's own, whatever the path finds first: the path itself must stay as it is. */
function op(name: string): string {
  return `operator(pg_catalog.${name})`
}

/** @param anew asks on a connection that logs in for it. @throws Fault */
export async function defaultPath(query: CatalogQuery, anew: CatalogQuery): Promise<string> {
  const path = (await query(question))[0]?.[0] ?? (await anew('show search_path'))[0]?.[0]
  if (path === undefined || path === null)
    throw new Fault('target/malformed', 'the target does not tell its search_path')
  return path
}
