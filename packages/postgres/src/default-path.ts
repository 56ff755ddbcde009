import { Fault } from '@sallyport/core'
import type { CatalogQuery } from './catalog/content.ts'

/**
 * `search_path` as a session has it that logs in now: what is set for account and database, the narrowest first, else what is
 * configured. A connection that logged in before tells its own instead. Null where that was set for it then, and is not any more.
 * @see PostgreSQL source, process_settings
 */
const question = `
select coalesce(
    (select substr(one.setting, length('search_path=') + 1)
      from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) one(setting)
      where one.setting like 'search\\_path=%'
        and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = session_user))
        and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
      order by s.setrole = 0, s.setdatabase = 0 limit 1),
    case when p.source not in ('global', 'database', 'user', 'database user') then p.reset_val end)
  from pg_catalog.pg_settings p where p.name = 'search_path'`

/** @param anew asks on a connection that logs in for it. @throws Fault */
export async function defaultPath(query: CatalogQuery, anew: CatalogQuery): Promise<string> {
  const path = (await query(question))[0]?.[0] ?? (await anew('show search_path'))[0]?.[0]
  if (path === undefined || path === null)
    throw new Fault('target/malformed', 'the target does not tell its search_path')
  return path
}
