import { Readable } from 'node:stream'
import { allRoutes, apiPrefix, type NamedRoute, type Route } from '@sallyport/api'
import { isDelegated } from '@sallyport/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { notFound, ProblemError } from '../front/problem.ts'
import type { Asking, Caller, Guards, Implementations } from './implementation.ts'

type AnyImplementation = (input: object, call: Asking & { caller?: Caller }) => unknown

/** Registers every route of the contract: who may call it is decided here, before any implementation runs. */
export function registerRoutes(
  app: FastifyInstance,
  implementations: Implementations,
  guards: Guards,
  limits: { readonly signInsPerMinute: number },
): void {
  for (const named of allRoutes()) {
    const { noun, verb, route } = named
    const implementation = (implementations as Record<string, Record<string, AnyImplementation>>)[noun]?.[
      verb
    ]
    if (implementation === undefined) throw new TypeError(`${noun}.${verb} has no implementation`)
    app.route({
      method: route.method,
      url: apiPrefix + route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: bodyLimitOf(named),
      config: {
        routeName: `${noun}.${verb}`,
        ...(isSignIn(named) ? { rateLimit: { max: limits.signInsPerMinute, timeWindow: '1 minute' } } : {}),
      },
      handler: async (request, reply) => {
        const caller = route.auth === 'anyone' ? undefined : await signedIn(request, guards)
        if (caller !== undefined && route.forActors !== true && isDelegated(caller.subject))
          throw new ProblemError(
            'forbidden',
            'people do this by their own hand, and not through what acts for them',
          )
        if (route.auth === 'administer' && caller !== undefined && !guards.mayAdminister(caller)) {
          throw new ProblemError('forbidden', 'only administrators may do this')
        }
        const input = inputOf(route, request)
        if (route.auth === 'replay' && caller !== undefined) {
          if (!(await guards.mayReplay(caller, (input as { id: string }).id))) throw notFound('session')
        }
        const output = implementation(input, {
          address: request.ip,
          gone: goneWith(reply),
          ...(caller === undefined ? {} : { caller }),
        })
        return answer(route, await output, reply)
      },
    })
  }
}

function bodyLimitOf({ noun, verb }: NamedRoute): number {
  if (noun === 'apply') return maxDocumentsBytes
  return noun === 'policies' && takesSets.has(verb) ? maxPolicySetBytes : maxBodyBytes
}

/** Guessing a password or a set-up code is slow. */
const isSignIn = ({ noun, verb }: NamedRoute): boolean =>
  noun === 'login' || noun === 'setup' || (noun === 'device' && verb === 'begin')

async function signedIn(request: FastifyRequest, guards: Guards): Promise<Caller> {
  const token = /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(request.headers.authorization ?? '')?.[1]
  const caller = token === undefined ? undefined : await guards.caller(token, request.ip)
  if (caller !== undefined) return caller
  throw new ProblemError(
    'unauthenticated',
    token === undefined ? 'this needs an access token' : 'the access token is not, or no longer, good',
    { next: 'sign in: sallyport login' },
  )
}

function goneWith({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  return gone.signal
}

function inputOf(route: Route, request: FastifyRequest): object {
  return {
    ...route.params?.parse(request.params),
    ...route.query?.parse(request.query),
    ...route.body?.parse(request.body ?? {}),
  }
}

function answer(route: Route, output: unknown, reply: FastifyReply): unknown {
  reply.status(route.answer.status)
  switch (route.answer.as) {
    case 'nothing':
      return reply.send()
    case 'json':
      return reply
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(checked(route.answer.schema, output)))
    case 'lines':
      return reply
        .type('application/x-ndjson; charset=utf-8')
        .send(Readable.from(asLines(route.answer.schema, output as AsyncIterable<unknown>)))
    case 'file':
      return reply
        .type(route.answer.mediaType)
        .send(Readable.from(output as AsyncIterable<Uint8Array>, { objectMode: false }))
  }
}

async function* asLines(schema: z.ZodType, values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(checked(schema, value))}\n`
}

/** What leaves is what the contract says: anything more is stripped, anything less is our bug. */
function checked(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw new TypeError('an answer broke the contract', { cause: result.error })
}

const maxBodyBytes = 1024 * 1024
const maxDocumentsBytes = 16 * 1024 * 1024
/** The largest set has 5,000 policies: 800 bytes for each. */
const maxPolicySetBytes = 4 * 1024 * 1024
const takesSets: ReadonlySet<string> = new Set(['check', 'test', 'simulate'])
