import { Agent, request, type RequestOptions } from 'node:https'
import { allRoutes, apiPrefix, problemMediaType, type NamedRoute } from '@sallyport/api'
import { password, startWorld, type World } from '../../../packages/gateway/src/testing/world.ts'
import { once, pick, Tape, type Choices, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: the choices of one request to a running gateway. */
export const target: Target = {
  name: 'api',
  promise:
    'whatever is sent to a route, the answer is one of its own or a problem document, and never that the gateway failed',
  unit: 'inputs',
  units: { long: 50_000, short: 200 },
  guide: /packages\/(gateway\/src\/(api|front|apply)|api\/src|identity\/src|access\/src|store\/src)/,
  maxBytes: 1024,
  slowMs: 2_000,
  open: async () => {
    const api = new Api()
    await api.start()
    return api
  },
}

const routes = allRoutes()
const limits = 'limits: { requestsPerMinute: 100000000, signInsPerMinute: 100000000 }'

class Api implements Subject {
  readonly seeds = routes.flatMap((_, i) => [0, 1, 2].map((rest) => Buffer.of(i, rest, 0, 0, 0, 0, 0, 0)))
  readonly words: readonly Buffer[] = []
  #world!: World
  #agent!: Agent
  #token = ''

  async start(): Promise<void> {
    this.#world = await startWorld(limits)
    const { authority } = this.#world.gateway
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 4,
      ...(authority && { ca: authority.certificate }),
    })
    const code = new URL(this.#world.gateway.setupUrl ?? '').hash.slice(1)
    const { token } = await this.#world.client().setup.consume({ code, name: 'root', password })
    this.#token = token
  }

  readonly invent = (random: Random): Buffer => random.bytes(8 + random.below(100))

  readonly run = async (input: Buffer): Promise<number> => {
    const tape = new Tape(input)
    const named = pick(tape, routes)
    const asked = requestOf(named, tape, this.#token)
    const { status, mediaType, body } = await this.#ask(asked)
    const about = (): string =>
      `${status} ${mediaType} ${body.slice(0, 200)}\nfor ${asked.method} ${asked.path.slice(0, 300)} ${asked.body?.toString('latin1').slice(0, 300)}`
    must(status < 500 || status === 503, about)
    if (status >= 400) {
      // What is no HTTP at all is answered by Node.js itself, which closes.
      must(mediaType.startsWith(problemMediaType) || body === '', about)
      if (body !== '') must((JSON.parse(body) as { status?: unknown }).status === status, about)
    } else must(status === named.route.answer.status, about)
    // Somebody may have taken away the very right that is used here.
    if (asked.isSignedIn && (status === 401 || status === 403)) await this.#again()
    return 1
  }

  async #again(): Promise<void> {
    await this[Symbol.asyncDispose]()
    await this.start()
  }

  #ask({ method, path, headers, body }: Asked): Promise<{ status: number; mediaType: string; body: string }> {
    return new Promise((resolve, reject) => {
      const url = new URL(this.#world.gateway.baseUrl)
      const options: RequestOptions = {
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers,
        agent: this.#agent,
      }
      const asking = request(options, (response) => {
        const chunks: Buffer[] = []
        const done = (): void => {
          clearTimeout(timer)
          resolve({
            status: response.statusCode ?? 0,
            mediaType: response.headers['content-type'] ?? '',
            body: Buffer.concat(chunks).toString(),
          })
        }
        // Answers that go on as things happen are not waited for.
        const timer = setTimeout(() => response.destroy(), endlessMs)
        response
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('close', done)
          .on('error', () => undefined)
      })
      asking.on('error', reject)
      asking.end(body)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#world[Symbol.asyncDispose]()
  }
}

const endlessMs = 300

interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  readonly isSignedIn: boolean
}

function requestOf({ route }: NamedRoute, choices: Choices, token: string): Asked {
  const example = (route.example.input ?? {}) as Readonly<Record<string, unknown>>
  const field = (name: string): string =>
    encodeURIComponent(String(once(choices, 3) ? (example[name] ?? 'x') : pick(choices, odd)).toWellFormed())
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => field(name) || '-')
  const names = [...Object.keys(route.query?.shape ?? {}), ...(once(choices, 6) ? ['unknown'] : [])]
  const query = names.filter(() => once(choices, 2)).map((name) => `${name}=${field(name)}`)
  const isSignedIn = !once(choices, 8)
  const headers: Record<string, string> = isSignedIn ? { authorization: `Bearer ${token}` } : {}
  const body = route.body === undefined && !once(choices, 8) ? undefined : bodyOf(route, example, choices)
  if (body !== undefined) {
    headers['content-type'] = once(choices, 12)
      ? pick(choices, ['text/plain', 'application/json; charset=latin1', 'x', 'multipart/form-data'])
      : 'application/json'
    headers['content-length'] = String(body.length)
  }
  return {
    method: route.method,
    path: `${apiPrefix}${path}${query.length > 0 ? `?${query.join('&')}` : ''}`,
    headers,
    body,
    isSignedIn,
  }
}

function bodyOf(
  route: NamedRoute['route'],
  example: Readonly<Record<string, unknown>>,
  choices: Choices,
): Buffer {
  if (once(choices, 8)) return Buffer.from(pick(choices, garbage))
  const keys = Object.keys(route.body?.shape ?? {})
  const fields = keys
    .filter(() => !once(choices, 8))
    .map((key) => [key, once(choices, 3) ? hostile(example[key], choices) : example[key]] as const)
  if (once(choices, 10))
    fields.push([pick(choices, ['__proto__', 'constructor', 'extra']), hostile(1, choices)])
  return Buffer.from(JSON.stringify(Object.fromEntries(fields.filter(([, value]) => value !== undefined))))
}

/** A value of another kind, or one like it that is changed somewhere inside. */
function hostile(value: unknown, choices: Choices, depth = 0): unknown {
  if (once(choices, 3) || depth > 5) return pick(choices, odd)
  if (Array.isArray(value))
    return once(choices, 3)
      ? Array.from({ length: 300 }, () => value[0] as unknown)
      : value.map((it) => hostile(it, choices, depth + 1))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, it]) => [
        key,
        once(choices, 2) ? it : hostile(it, choices, depth + 1),
      ]),
    )
  if (typeof value === 'string')
    return once(choices, 2) ? `${value}${String(pick(choices, odd))}` : value.repeat(2 + choices.below(50))
  return pick(choices, odd)
}

const odd: readonly unknown[] = [
  null, '', ' ', 'x', '0', -1, 0, 1, 1.5, 1e21, 9007199254740992, true, [], {}, [[]], '\0', '\ud800', 'a'.repeat(5_000), '../..', '%00', "'; drop table users; --", '__proto__', 'constructor',
  'ses_00000000000000000000000000', 'user:root', 'root', 'administrators', '2025-01-01T00:00:00Z', '🐘', { __proto__: 1 }, ['administrators'], { from: 'sealed', name: 'x' }, Array.from({ length: 50 }).fill({}),
] // prettier-ignore

const garbage = ['', '{', '[]', 'null', '"x"', '1', '{"a":1e999}', `${'['.repeat(5_000)}`, `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, '\0', '{"__proto__":{"polluted":true}}', '\ufeff{}', '{"a":"\\ud800"}'] // prettier-ignore
