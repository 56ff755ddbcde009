import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer as createPlain,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer } from 'node:https'
import { text } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'

/** A target in which this Vault makes users, as its database engine does by `creation_statements` and `revocation_statements`. */
export interface VaultDatabase {
  create(user: string, password: string): Promise<void>
  revoke(user: string): Promise<void>
}

export interface VaultServerOptions {
  /** PEM; plain HTTP without. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly database?: VaultDatabase
  /** Seconds. */
  readonly tokenTtl?: number
  readonly tokenMaxTtl?: number
  readonly leaseTtl?: number
  readonly leaseMaxTtl?: number
  readonly namespace?: string
}

interface Token {
  readonly issuedAt: number
  endsAt: number
}

interface Lease {
  readonly user: string
  readonly token: string
  readonly issuedAt: number
  endsAt: number
}

/**
 * A Vault for tests, written from the documentation of its HTTP API: a real one is in neither npm nor Debian. It has AppRole, Kubernetes
 * and JWT log-ins, token TTLs, a key-value store of version 2, a database engine, leases that expire, and the states that hurt.
 * @see https://developer.hashicorp.com/vault/api-docs
 */
export class VaultServer implements AsyncDisposable {
  readonly asked: string[] = []
  readonly logIns: Record<string, unknown>[] = []
  /** By `secret/data/PATH`: each version's data; null where it was deleted. */
  readonly secrets = new Map<string, (Record<string, unknown> | null)[]>()
  readonly tokens = new Map<string, Token>()
  readonly leases = new Map<string, Lease>()
  /** Answers in place of all others, once each, then no more. */
  readonly failures: {
    readonly status: number
    readonly headers?: Record<string, string>
    readonly body?: unknown
  }[] = []
  isSealed = false
  /** Takes questions and never answers. */
  isSilent = false
  /** What tokens may not do, by path. */
  readonly forbidden = new Set<string>()
  readonly #options: VaultServerOptions
  readonly #server: Server
  readonly #sweep: NodeJS.Timeout

  constructor(options: VaultServerOptions) {
    this.#options = options
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#answer(request, response).catch((thrown: unknown) => {
        response.writeHead(500).end(JSON.stringify({ errors: [String(thrown)] }))
      })
    this.#server = options.tls === undefined ? createPlain(answer) : createServer(options.tls, answer)
    this.#sweep = setInterval(() => void this.#expire(), 100)
  }

  static async start(options: VaultServerOptions = {}): Promise<VaultServer> {
    const server = new VaultServer(options)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    return server
  }

  get address(): string {
    const { port } = this.#server.address() as AddressInfo
    return this.#options.tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`
  }

  /** A token of an operator's. */
  issue(ttl = this.#options.tokenTtl ?? 3600): string {
    const token = `hvs.${randomBytes(12).toString('hex')}`
    const now = Date.now()
    this.tokens.set(token, { issuedAt: now, endsAt: ttl === 0 ? Infinity : now + ttl * 1000 })
    return token
  }

  /** With all that was made by it. */
  async revokeToken(token: string): Promise<void> {
    this.tokens.delete(token)
    for (const [id, lease] of this.leases) if (lease.token === token) await this.#revoke(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweep)
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #expire(): Promise<void> {
    const now = Date.now()
    for (const [token, { endsAt }] of this.tokens) if (endsAt <= now) await this.revokeToken(token)
    for (const [id, { endsAt }] of this.leases) if (endsAt <= now) await this.#revoke(id)
  }

  async #revoke(id: string): Promise<void> {
    const lease = this.leases.get(id)
    if (lease === undefined) return
    await this.#options.database?.revoke(lease.user)
    this.leases.delete(id)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://vault')
    const body = (await text(request)) || '{}'
    const path = url.pathname.replace(/^\/v1\//, '')
    this.asked.push(`${request.method} ${path}`)
    if (this.isSilent) return
    const say = (status: number, answer?: unknown, headers: Record<string, string> = {}): void =>
      void response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(answer === undefined ? undefined : JSON.stringify(answer))
    if (path === 'sys/health') return say(this.isSealed ? 503 : 200, { sealed: this.isSealed })
    const failure = this.failures.shift()
    if (failure !== undefined) return say(failure.status, failure.body ?? { errors: [] }, failure.headers)
    if (this.isSealed) return say(503, { errors: ['Vault is sealed'] })
    if (request.headers['x-vault-request'] !== 'true')
      return say(412, { errors: ['missing required header'] })
    if ((request.headers['x-vault-namespace'] ?? undefined) !== this.#options.namespace)
      return say(404, { errors: ['no handler for route'] })
    const given = JSON.parse(body) as Record<string, unknown>
    const logIn = /^auth\/([\w/-]+)\/login$/.exec(path)
    if (logIn !== null && request.method === 'POST') return this.#logIn(logIn[1]!, given, say)
    const token = String(request.headers['x-vault-token'] ?? '')
    const known = this.tokens.get(token)
    if (known === undefined || this.forbidden.has(path)) return say(403, { errors: ['permission denied'] })
    return this.#asked(
      { method: request.method ?? '', path, query: url.searchParams, given, token, known },
      say,
    )
  }

  #logIn(mount: string, given: Record<string, unknown>, say: Say): void {
    this.logIns.push({ mount, ...given })
    if (mount === 'approle' ? given['secret_id'] !== 'right' : given['jwt'] !== 'right')
      return say(400, { errors: [`invalid role or secret ID: ${JSON.stringify(given)}`] })
    const ttl = this.#options.tokenTtl ?? 3600
    return say(200, {
      lease_id: '',
      auth: { client_token: this.issue(ttl), accessor: 'a', lease_duration: ttl, renewable: ttl > 0 },
    })
  }

  async #asked({ method, path, query, given, token, known }: Asked, say: Say): Promise<void> {
    const now = Date.now()
    const capped = (issuedAt: number, ttl: number, max: number | undefined): number =>
      Math.min(now + ttl * 1000, issuedAt + (max ?? 768 * 3600) * 1000)
    const inSeconds = (endsAt: number): number => (endsAt === Infinity ? 0 : Math.ceil((endsAt - now) / 1000))
    switch (`${method} ${path}`) {
      case 'GET auth/token/lookup-self':
        return say(200, {
          data: { id: token, ttl: inSeconds(known.endsAt), renewable: known.endsAt !== Infinity },
        })
      case 'POST auth/token/renew-self': {
        known.endsAt = capped(known.issuedAt, this.#options.tokenTtl ?? 3600, this.#options.tokenMaxTtl)
        return say(200, {
          auth: { client_token: token, lease_duration: inSeconds(known.endsAt), renewable: true },
        })
      }
      case 'POST auth/token/revoke-self':
        await this.revokeToken(token)
        return say(204)
      case 'PUT sys/leases/renew': {
        const lease = this.leases.get(String(given['lease_id']))
        if (lease === undefined) return say(400, { errors: ['lease not found'] })
        lease.endsAt = capped(lease.issuedAt, this.#options.leaseTtl ?? 3600, this.#options.leaseMaxTtl)
        const seconds = inSeconds(lease.endsAt)
        return say(200, { lease_id: given['lease_id'], renewable: true, lease_duration: seconds })
      }
      case 'PUT sys/leases/revoke':
        await this.#revoke(String(given['lease_id']))
        return say(204)
    }
    if (method !== 'GET') return say(405, { errors: [] })
    if (path.startsWith('secret/data/')) return this.#secret(path, query, say)
    const role = /^database\/creds\/([\w-]+)$/.exec(path)?.[1]
    if (role === undefined) return say(404, { errors: [] })
    const user = `v-${role}-${randomBytes(8).toString('hex')}`
    const password = `A1a-${randomBytes(12).toString('hex')}`
    await this.#options.database?.create(user, password)
    const id = `${path}/${randomBytes(12).toString('hex')}`
    const endsAt = capped(now, this.#options.leaseTtl ?? 3600, this.#options.leaseMaxTtl)
    this.leases.set(id, { user, token, issuedAt: now, endsAt })
    const data = { username: user, password }
    return say(200, { lease_id: id, renewable: true, lease_duration: inSeconds(endsAt), data })
  }

  #secret(path: string, query: URLSearchParams, say: Say): void {
    const versions = this.secrets.get(decodeURIComponent(path)) ?? []
    const version = Number(query.get('version') ?? versions.length)
    const data = versions[version - 1]
    const metadata = { version, destroyed: false, deletion_time: data === null ? '2026-01-01T00:00:00Z' : '' }
    if (data === undefined) return say(404, { errors: [] })
    return say(data === null ? 404 : 200, { data: { data, metadata } })
  }
}

type Say = (status: number, answer?: unknown, headers?: Record<string, string>) => void

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly given: Record<string, unknown>
  readonly token: string
  readonly known: Token
}
