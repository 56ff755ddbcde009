import { z } from 'zod'
import { Problem, problemMediaType } from './problem.ts'
import { apiPrefix, type Route } from './route.ts'
import { allRoutes } from './table.ts'

type Json = Record<string, unknown>

/**
 * The interface as an OpenAPI 3.1 document, made from the route table.
 * @see https://spec.openapis.org/oas/v3.1.0
 */
export function openApiDocument(version: string): Json {
  const schemas = new Map<string, Json>()
  const paths: Record<string, Json> = {}
  for (const { noun, verb, route } of allRoutes()) {
    const path = apiPrefix + route.path
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(noun, verb, route, schemas) }
  }
  const problem = reference(Problem, 'output', schemas)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport',
      version,
      description: 'What the command line uses, and all there is: identities, policy, reviews, sessions.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An access token, `sp_…`' },
      },
      responses: {
        Problem: {
          description: 'Why not, and what to do next',
          content: { [problemMediaType]: { schema: problem } },
        },
      },
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

function operation(noun: string, verb: string, route: Route, schemas: Map<string, Json>): Json {
  const input: Json = { ...route.example.input }
  const parameters = [
    ...parametersIn('path', route.params, input, schemas),
    ...parametersIn('query', route.query, input, schemas),
  ]
  const bodyKeys = Object.keys(route.body?.shape ?? {})
  return {
    operationId: `${noun}.${verb}`,
    tags: [noun],
    summary: route.summary,
    'x-auth': route.auth,
    ...(route.auth === 'anyone' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: reference(route.body, 'input', schemas),
                example: Object.fromEntries(Object.entries(input).filter(([key]) => bodyKeys.includes(key))),
              },
            },
          },
        }),
    responses: {
      [route.answer.status]: answer(route, schemas),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

function parametersIn(
  place: 'path' | 'query',
  fields: z.ZodObject | undefined,
  example: Json,
  schemas: Map<string, Json>,
): Json[] {
  if (fields === undefined) return []
  const whole = reference(fields, 'input', schemas) as {
    properties: Record<string, Json>
    required?: string[]
  }
  return Object.entries(whole.properties).map(([name, schema]) => ({
    name,
    in: place,
    required: whole.required?.includes(name) ?? false,
    schema,
    ...(name in example ? { example: example[name] } : {}),
  }))
}

function answer({ answer: it, example }: Route, schemas: Map<string, Json>): Json {
  const shown = example.output === undefined ? {} : { example: example.output }
  switch (it.as) {
    case 'nothing':
      return { description: 'Done' }
    case 'file':
      return { description: 'The file', content: { [it.mediaType]: {} } }
    case 'lines':
      return {
        description: 'One JSON value a line',
        content: { 'application/x-ndjson': { schema: reference(it.schema, 'output', schemas), ...shown } },
      }
    case 'json':
      return {
        description: it.status === 201 ? 'Made' : 'Done',
        content: { 'application/json': { schema: reference(it.schema, 'output', schemas), ...shown } },
      }
  }
}

/** The schema in JSON Schema's words; those with an id move to the components, whence everybody refers to them. */
function reference(schema: z.ZodType, io: 'input' | 'output', schemas: Map<string, Json>): Json {
  const {
    $schema: _,
    $defs,
    ...whole
  } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' }) as Json & {
    $defs?: Record<string, Json>
  }
  for (const [id, { id: _id, ...definition }] of Object.entries($defs ?? {})) {
    keep(id, moved(definition), schemas)
  }
  const { id, ...rest } = moved(whole)
  if (typeof id !== 'string') return rest
  keep(id, rest, schemas)
  return { $ref: `#/components/schemas/${id}` }
}

function keep(id: string, definition: Json, schemas: Map<string, Json>): void {
  const before = schemas.get(id)
  if (before !== undefined && JSON.stringify(before) !== JSON.stringify(definition)) {
    throw new Error(`two schemas are called ${id}`)
  }
  schemas.set(id, definition)
}

function moved(schema: Json): Json {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json
}
