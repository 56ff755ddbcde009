import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openApiDocument } from './openapi.ts'
import { apiPrefix } from './route.ts'
import { allRoutes } from './table.ts'

describe('the OpenAPI document', () => {
  test('is the committed one: a changed interface is seen in review', async () => {
    const committed = await readFile(new URL('../openapi.json', import.meta.url), 'utf8')
    expect(JSON.parse(committed), 'changed on purpose? run `pnpm openapi` in packages/api').toEqual(
      JSON.parse(JSON.stringify(openApiDocument('v1'))),
    )
  })

  test('has every route once, and nothing else', () => {
    const paths = openApiDocument('v1')['paths'] as Record<string, Record<string, { 'x-auth': string }>>
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, it]) => `${method.toUpperCase()} ${path} ${it['x-auth']}`),
    )
    const declared = allRoutes().map(({ route }) => `${route.method} ${apiPrefix}${route.path} ${route.auth}`)
    expect(described.toSorted()).toEqual(declared.toSorted())
  })

  test('refers only to what it defines', () => {
    const document = openApiDocument('v1')
    const schemas = (document['components'] as { schemas: object }).schemas
    const referred = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
      (found) => found[1],
    )
    expect(referred.length).toBeGreaterThan(20)
    expect(referred.filter((id) => !((id ?? '') in schemas))).toEqual([])
    expect(JSON.stringify(document)).not.toContain('#/$defs/')
  })
})
