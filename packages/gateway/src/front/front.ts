import { apiPrefix, openApiDocument, problemMediaType } from '@sallyport/api'
import rateLimit from '@fastify/rate-limit'
import { cameFrom } from '@sallyport/store'
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Server } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import type { Guards, Implementations } from '../api/implementation.ts'
import { registerRoutes } from '../api/register.ts'
import type { ListenAddress } from '../config/schema.ts'
import { bind } from '../edge/listener.ts'
import { registerOAuth, type OAuthParts } from './oauth/routes.ts'
import { pages } from './pages.ts'
import { problem, problemOf } from './problem.ts'
import { registerScim, type ScimEndpoint } from './scim/routes.ts'
import { securityHeaders } from './security-headers.ts'
import { registerBackChannel } from './sign-in/back-channel.ts'
import { registerSignIn, type SignInPages } from './sign-in/routes.ts'

export interface FrontOptions {
  readonly address: ListenAddress
  readonly tls: SecureContextOptions
  readonly implementations: Implementations
  readonly guards: Guards
  readonly signIn: SignInPages
  readonly oauth: Omit<OAuthParts, 'onTrouble'>
  readonly scim: ScimEndpoint | undefined
  readonly limits: { readonly requestsPerMinute: number; readonly signInsPerMinute: number }
  /** Undefined while all is well; else why the gateway should get no new clients. */
  readonly unready: () => Promise<string | undefined>
  readonly onAnswered: (answered: {
    route: string
    status: number
    durationMs: number
    address: string
  }) => void
  readonly onTrouble: (error: unknown, route: string) => void
}

/** The HTTPS side: the API, its description, health, and the pages that need no console. */
export interface Front extends AsyncDisposable {
  readonly port: number
  /** A renewed certificate, for connections from now on. */
  useCertificate(tls: SecureContextOptions): void
}

/** @throws CannotStart */
export async function openFront(options: FrontOptions): Promise<Front> {
  const app = await buildFront(options)
  await app.ready()
  // Built with `https`, so it is one.
  const server = app.server as Server
  server.maxConnections = maxConnections
  const port = await bind(server, 'api', options.address)
  return {
    port,
    useCertificate: (tls) => server.setSecureContext(tls),
    [Symbol.asyncDispose]: async () => {
      const impatience = setTimeout(() => server.closeAllConnections(), lastAnswersMs)
      try {
        await app.close()
      } finally {
        clearTimeout(impatience)
      }
    },
  }
}

async function buildFront(options: FrontOptions): Promise<FastifyInstance> {
  const app = fastify({
    https: { ...options.tls, minVersion: 'TLSv1.2' },
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    requestTimeout: 30_000,
    keepAliveTimeout: 15_000,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: turnedAway,
    // The type says which server is below; routes need not know.
  }) as unknown as FastifyInstance
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(securityHeaders)
    done()
  })
  // Once the body is there: what reads it has come another way.
  app.addHook('preValidation', (request, _reply, done) => cameFrom(request.ip, done))
  app.addHook('onResponse', (request, reply, done) => {
    options.onAnswered({
      route: routeName(request.routeOptions.config),
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      address: request.ip,
    })
    done()
  })
  app.setErrorHandler((error, request, reply) => {
    const known = problemOf(error)
    if (known === undefined || known.status >= 500)
      options.onTrouble(error, routeName(request.routeOptions.config))
    const said = known ?? problem('internal', 'the gateway failed; the operators have the details')
    return reply.status(said.status).type(problemMediaType).send(JSON.stringify(said))
  })
  app.setNotFoundHandler((request, reply) => {
    const said = problem(
      'not-found',
      `there is nothing at ${request.method} ${request.url.split('?', 1)[0] ?? ''}`,
    )
    return reply.status(404).type(problemMediaType).send(JSON.stringify(said))
  })
  await app.register(rateLimit, { max: options.limits.requestsPerMinute, timeWindow: '1 minute' })

  registerSignIn(app, options.signIn, options.limits.signInsPerMinute)
  for (const { backChannel } of options.signIn.providers)
    if (backChannel !== undefined) registerBackChannel(app, backChannel)
  registerOAuth(app, { ...options.oauth, onTrouble: options.onTrouble }, options.limits.signInsPerMinute)
  registerRoutes(app, options.implementations, options.guards, options.limits)
  if (options.scim !== undefined) registerScim(app, options.scim)
  const description = JSON.stringify(openApiDocument('v1'))
  app.get(`${apiPrefix}/openapi.json`, named('openapi'), (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(description),
  )
  app.get('/healthz', health, (_request, reply) => reply.type('text/plain').send('ok\n'))
  app.get('/readyz', health, async (_request, reply) => {
    const why = await options.unready()
    return reply
      .status(why === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${why ?? 'ready'}\n`)
  })
  for (const { path, mediaType, text } of pages) {
    app.get(path, named('page'), (_request, reply) => reply.type(mediaType).send(text))
  }
  return app
}

/** What the router itself refuses never meets our hooks and handlers: a name that is too long, an address that is none. */
function turnedAway(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  const said =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? problem('not-found', 'there is nothing of so long a name')
      : problem('invalid-request', 'the address of the request cannot be read')
  reply.headers(securityHeaders).status(said.status).type(problemMediaType).send(JSON.stringify(said))
}

const named = (routeName: string) => ({ config: { routeName } })
/** Probes come often, and from few addresses. */
const health = { config: { routeName: 'health', rateLimit: false as const } }

function routeName(config: object): string {
  return 'routeName' in config && typeof config.routeName === 'string' ? config.routeName : 'none'
}

const maxConnections = 2000
/** How long answers in progress may take once the gateway ends. */
const lastAnswersMs = 2000
