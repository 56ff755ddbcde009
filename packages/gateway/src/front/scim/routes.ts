import { isRefusal, Secret, type Refusal } from '@sallyport/core'
import {
  asksForMembers,
  groupType,
  maxCount,
  resourceTypes,
  schemas,
  ScimProblem,
  selected,
  serviceProviderConfig,
  userType,
  type Listed,
  type ListQuery,
  type ResourceType,
  type ScimGroups,
  type ScimJson as Json,
  type ScimTokens,
  type ScimUsers,
} from '@sallyport/identity'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problemOf } from '../problem.ts'

export interface ScimEndpoint {
  readonly tokens: Pick<ScimTokens, 'authenticate'>
  readonly users: ScimUsers
  readonly groups: ScimGroups
  readonly baseUrl: () => string
  readonly requestsPerMinute: number
  readonly onTrouble: (error: unknown) => void
}

export const scimPrefix = '/scim/v2'

/** By which a provider's connector keeps people and groups up to date: RFC 7644, as Okta and Entra ID speak it. */
export function registerScim(app: FastifyInstance, endpoint: ScimEndpoint): void {
  const { users, groups, baseUrl } = endpoint

  void app.register(
    (scope, _options, done) => {
      speakScim(scope, endpoint)
      const options = (routeName: string) => ({
        config: { routeName, rateLimit: { max: endpoint.requestsPerMinute, timeWindow: '1 minute' } },
        bodyLimit: maxBodyBytes,
      })
      for (const [type, store] of [
        [userType, users],
        [groupType, groups],
      ] as const) {
        const name = `scim.${type.name}`
        const at = `${type.endpoint}/:id`
        scope.get(type.endpoint, options(`${name}.list`), async (request, reply) => {
          const query = queryOf(request)
          const listed = await store.list(pageOf(query), asksForMembers(query))
          return answer(reply, 200, listOf(listed, type, query))
        })
        scope.post(type.endpoint, options(`${name}.create`), async (request, reply) => {
          const made = await store.create(clientOf(request), request.body)
          const { location } = made['meta'] as { location: string }
          return answer(reply.header('location', location), 201, selected(made, type, queryOf(request)))
        })
        scope.get(at, options(`${name}.get`), async (request, reply) => {
          const query = queryOf(request)
          return answer(
            reply,
            200,
            selected(await store.get(idOf(request), asksForMembers(query)), type, query),
          )
        })
        scope.put(at, options(`${name}.replace`), async (request, reply) => {
          const changed = await store.replace(clientOf(request), idOf(request), request.body)
          return answer(reply, 200, selected(changed, type, queryOf(request)))
        })
        scope.patch(at, options(`${name}.patch`), async (request, reply) => {
          const changed = await store.patch(clientOf(request), idOf(request), request.body)
          // Entra ID advises against answering with a group, which may be large. RFC 7644 section 3.5.2
          return type === groupType
            ? reply.status(204).send()
            : answer(reply, 200, selected(changed, type, queryOf(request)))
        })
        scope.delete(at, options(`${name}.delete`), async (request, reply) => {
          await store.delete(clientOf(request), idOf(request))
          return reply.status(204).send()
        })
      }
      for (const [path, all] of [
        ['/ResourceTypes', resourceTypes],
        ['/Schemas', schemas],
      ] as const) {
        scope.get(path, options('scim.described'), (_request, reply) => {
          const resources = all(baseUrl())
          return answer(
            reply,
            200,
            listResponse(resources, { totalResults: resources.length, startIndex: 1 }),
          )
        })
        scope.get(`${path}/:id`, options('scim.described'), (request, reply) => {
          const found = all(baseUrl()).find((one) => one['id'] === idOf(request))
          if (found === undefined) throw new ScimProblem(404, 'there is no such description')
          return answer(reply, 200, found)
        })
      }
      scope.get('/ServiceProviderConfig', options('scim.described'), (_request, reply) =>
        answer(reply, 200, serviceProviderConfig(baseUrl())),
      )
      done()
    },
    { prefix: scimPrefix },
  )
}

/** Who may speak, in which form, and how it is told what is wrong. */
function speakScim(scope: FastifyInstance, { tokens, onTrouble }: ScimEndpoint): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser(
    ['application/scim+json', 'application/json'],
    { parseAs: 'string', bodyLimit: maxBodyBytes },
    (_request, body, parsed) => {
      try {
        parsed(null, body === '' ? undefined : JSON.parse(String(body)))
      } catch {
        parsed(new ScimProblem(400, 'the body is no JSON', 'invalidSyntax'))
      }
    },
  )
  scope.addHook('onRequest', async (request) => {
    const shown = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '')?.[1]
    const known = shown === undefined ? undefined : await tokens.authenticate(new Secret(shown), request.ip)
    if (known === undefined || isRefusal(known)) throw notLetIn(known)
    clients.set(request, known.id)
  })
  scope.setErrorHandler((error, _request, reply) => {
    const said = scimProblemOf(error)
    if (said === undefined) onTrouble(error)
    const { status, message, scimType } =
      said ?? new ScimProblem(500, 'the gateway failed; the operators have the details')
    if (status === 401) reply.header('www-authenticate', 'Bearer realm="scim"')
    return answer(reply, status, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(status),
      detail: message,
      ...(scimType !== undefined && { scimType }),
    })
  })
  scope.setNotFoundHandler(() => {
    throw new ScimProblem(404, 'there is nothing here')
  })
}

/** By the id of whose token each request has been let in. */
const clients = new WeakMap<FastifyRequest, string>()

function clientOf(request: FastifyRequest): `scim:${string}` {
  const id = clients.get(request)
  if (id === undefined) throw new TypeError('a request was not asked for its token')
  return `scim:${id}`
}

function notLetIn(refused: Refusal | undefined): ScimProblem {
  return refused?.code === 'throttled'
    ? new ScimProblem(429, refused.reason)
    : new ScimProblem(401, 'a SCIM token is needed that is good: sallyport scim token create')
}

function scimProblemOf(error: unknown): ScimProblem | undefined {
  if (error instanceof ScimProblem) return error
  const known = problemOf(error)
  return known && new ScimProblem(known.status, known.detail)
}

type Query = Readonly<Record<string, string>>

/** Of what stands twice, the first counts. */
function queryOf(request: FastifyRequest): Query {
  const { searchParams } = new URL(request.url, 'https://gateway.invalid')
  return Object.fromEntries([...searchParams].toReversed())
}

function pageOf({ filter, startIndex, count }: Query): ListQuery {
  return {
    ...(filter !== undefined && filter !== '' && { filter }),
    startIndex: Math.max(1, wholeNumber(startIndex, 'startIndex') ?? 1),
    count: Math.min(maxCount, Math.max(0, wholeNumber(count, 'count') ?? defaultCount)),
  }
}

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^-?\d{1,9}$/.test(text)) throw new ScimProblem(400, `${name} is a whole number`, 'invalidValue')
  return Number(text)
}

function listOf({ resources, ...page }: Listed, type: ResourceType, query: Query): Json {
  return listResponse(
    resources.map((one) => selected(one, type, query)),
    page,
  )
}

function listResponse(resources: readonly Json[], page: Pick<Listed, 'totalResults' | 'startIndex'>): Json {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    ...page,
    itemsPerPage: resources.length,
    Resources: resources,
  }
}

function idOf({ params }: FastifyRequest): string {
  return (params as { readonly id: string }).id
}

function answer(reply: FastifyReply, status: number, body: Json): FastifyReply {
  return reply.status(status).type('application/scim+json; charset=utf-8').send(JSON.stringify(body))
}

const defaultCount = 100
const maxBodyBytes = 1024 * 1024
