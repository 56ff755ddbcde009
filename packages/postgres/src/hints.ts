import type { Hint, HintRequest } from '@sallyport/core'

/** How psql and everything on libpq connect: by environment, so that no token stands in a process list. */
export function hints(request: HintRequest): readonly Hint[] {
  const { endpoint, resource, account, token } = request
  const environment: Record<string, string> = {
    PGHOST: endpoint.host,
    PGPORT: String(endpoint.port),
    PGUSER: account === undefined ? resource : `${resource}+${account}`,
    PGPASSWORD: token,
    PGSSLMODE: endpoint.caFile === undefined ? 'require' : 'verify-full',
    PGGSSENCMODE: 'disable',
    ...(endpoint.caFile === undefined ? {} : { PGSSLROOTCERT: endpoint.caFile }),
  }
  return [{ client: 'psql', command: ['psql'], environment }]
}
