/** Where a PostgreSQL client connects to, and as whom: a server itself, or something in front of it. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** A file with the PEM certificates to trust: TLS is used and fully verified. Absent: no TLS. */
  readonly trust?: string
}

/** The endpoint as a connection URI. libpq and the npm drivers read it alike, TLS apart. */
export function urlOf(endpoint: Endpoint): string {
  const url = new URL('postgresql://host')
  url.hostname = endpoint.host
  url.port = String(endpoint.port)
  url.username = encodeURIComponent(endpoint.user)
  url.password = encodeURIComponent(endpoint.password)
  url.pathname = `/${encodeURIComponent(endpoint.database)}`
  if (endpoint.trust !== undefined) url.searchParams.set('sslmode', 'verify-full')
  if (endpoint.trust !== undefined) url.searchParams.set('sslrootcert', endpoint.trust)
  return url.href
}

/** What libpq's programs read, on top of nothing but PATH: the developer's own PG* variables and files stay out. */
export function environmentOf(endpoint: Endpoint): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    PGHOST: endpoint.host,
    PGPORT: String(endpoint.port),
    PGUSER: endpoint.user,
    PGPASSWORD: endpoint.password,
    PGDATABASE: endpoint.database,
    PGSSLMODE: endpoint.trust === undefined ? 'disable' : 'verify-full',
    ...(endpoint.trust !== undefined && { PGSSLROOTCERT: endpoint.trust }),
    PGGSSENCMODE: 'disable',
    PGCONNECT_TIMEOUT: '20',
  }
}
