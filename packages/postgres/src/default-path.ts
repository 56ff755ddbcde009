import { Fault } from '@sallyport/core'
import type { CatalogQuery } from './catalog/content.ts'
import { quotedText } from './quote.ts'

/** How a session begins in which somebody logs in now. */
export interface Beginning {
  /** `search_path`, as the server shows it. */
  readonly searchPath: string
  /** The role that it acts as; the one that logs in where undefined. */
  readonly actsAs: string | undefined
}

/**
 * What is set for role and database, the narrowest first, else what is configured. A connection that logged in before, or as another
 * role, tells its own instead: so whose settings count is said. The path is null where what is configured cannot be told, since
 * something was set for the connection that is asked.
 * @see PostgreSQL source, process_settings
 */
const question = (user: string): string => `
select coalesce(${setFor(user, 'search_path')},
    case when p.source ${op('<>')} all (array['global', 'database', 'user', 'database user']) then p.reset_val end),
  ${setFor(user, 'role')}
  from pg_catalog.pg_settings p where p.name ${op('=')} 'search_path'`

function setFor(user: string, setting: string): string {
  return `(select pg_catalog.substr(one.setting, ${setting.length + 2})
      from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) one(setting)
      where pg_catalog.starts_with(one.setting, '${setting}=')
        and s.setrole ${op('=')} any (array[0::pg_catalog.oid,
          (select r.oid from pg_catalog.pg_roles r where r.rolname ${op('=')} ${quotedText(user)})])
        and s.setdatabase ${op('=')} any (array[0::pg_catalog.oid,
          (select d.oid from pg_catalog.pg_database d where d.datname ${op('=')} pg_catalog.current_database())])
      order by s.setrole ${op('=')} 0::pg_catalog.oid, s.setdatabase ${op('=')} 0::pg_catalog.oid limit 1)`
}

/** The server's own, whatever the path finds first: the path itself must stay as it is. */
function op(name: string): string {
  return `operator(pg_catalog.${name})`
}

/**
 * @param anew asks on a connection that logs in for it, as `user`
 * @throws Fault
 */
export async function beginningOf(user: string, query: CatalogQuery, anew: CatalogQuery): Promise<Beginning> {
  const [known] = await query(question(user))
  const searchPath = known?.[0] ?? (await anew('show search_path'))[0]?.[0]
  if (searchPath === undefined || searchPath === null)
    throw new Fault('target/malformed', 'the target does not tell its search_path')
  const role = known?.[1] ?? 'none'
  return { searchPath, actsAs: role === 'none' ? undefined : role }
}
