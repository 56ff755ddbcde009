import { setImmediate } from 'node:timers/promises'
import type { ScimLookUp } from '@sallyport/store'
import { testOf, type Json } from './evaluate.ts'
import { parseFilter, type AttributePath, type Filter } from './filter.ts'
import type { ResourceType } from './schema.ts'

/** A page that somebody asks for. RFC 7644 section 3.4.2 */
export interface ListQuery {
  readonly filter?: string
  /** From 1. */
  readonly startIndex: number
  readonly count: number
}

export interface Listed {
  readonly totalResults: number
  readonly startIndex: number
  readonly resources: readonly Json[]
}

export interface Shelf<Row> {
  readonly type: ResourceType
  readonly count: () => Promise<number>
  readonly rows: (which: ScimLookUp) => Promise<readonly Row[]>
  /** A row as clients see it. @param withMembers whether anybody asks for its members */
  readonly view: (row: Row, withMembers: boolean) => Promise<Json>
  readonly withMembers: boolean
}

/** What the filter names by a key is looked up; else all is looked at, some at a time. @throws ScimProblem invalidFilter */
export async function list<Row>(
  shelf: Shelf<Row>,
  { filter: text, startIndex, count }: ListQuery,
): Promise<Listed> {
  const { rows, view, withMembers, type } = shelf
  if (text === undefined) {
    const page = count === 0 ? [] : await rows({ offset: startIndex - 1, limit: count })
    const resources = await Promise.all(page.map((row) => view(row, withMembers)))
    return { totalResults: await shelf.count(), startIndex, resources }
  }
  const filter = parseFilter(text)
  const isMet = testOf(filter, type)
  const by = keyIn(filter, type)
  const looksAtMembers = withMembers || mentionsMembers(filter)
  const resources: Json[] = []
  let totalResults = 0
  for (let offset = 0; ; offset += atOnce) {
    const some = await rows({ ...(by !== undefined && { by }), offset, limit: atOnce })
    for (const row of some) {
      const seen = await view(row, looksAtMembers)
      if (!isMet(seen) || ++totalResults < startIndex || resources.length >= count) continue
      resources.push(withMembers || !looksAtMembers ? seen : await view(row, false))
    }
    if (some.length < atOnce) return { totalResults, startIndex, resources }
    // Others get their turn.
    await setImmediate()
  }
}

/** Something that all that fulfils a filter has, by which it can be looked up. */
function keyIn(filter: Filter, type: ResourceType): ScimLookUp['by'] {
  if (filter.is === 'and') return keyIn(filter.left, type) ?? keyIn(filter.right, type)
  if (filter.is === 'within' && isMembers(filter.path)) {
    const { of } = filter
    return of.is === 'compare' && of.path.name.toLowerCase() === 'value' ? memberIn(of) : undefined
  }
  if (filter.is !== 'compare' || filter.operator !== 'eq' || typeof filter.value !== 'string')
    return undefined
  const { path, value } = filter
  if (isMembers(path)) return (path.sub ?? 'value').toLowerCase() === 'value' ? memberIn(filter) : undefined
  if (
    path.sub !== undefined ||
    (path.schema !== undefined && path.schema.toLowerCase() !== type.schema.id.toLowerCase())
  )
    return undefined
  const name = path.name.toLowerCase()
  if (name === 'id') return { key: 'id', value }
  if (name === 'externalid') return { key: 'externalId', value }
  const own = type.name === 'User' ? 'username' : 'displayname'
  return name === own ? { key: 'name', value: value.toLowerCase() } : undefined
}

function memberIn(filter: Extract<Filter, { is: 'compare' }>): ScimLookUp['by'] {
  const { operator, value } = filter
  return operator === 'eq' && typeof value === 'string' ? { key: 'member', value } : undefined
}

function mentionsMembers(filter: Filter): boolean {
  switch (filter.is) {
    case 'and':
    case 'or':
      return mentionsMembers(filter.left) || mentionsMembers(filter.right)
    case 'not':
      return mentionsMembers(filter.of)
    default:
      return isMembers(filter.path)
  }
}

function isMembers({ name }: AttributePath): boolean {
  return name.toLowerCase() === 'members'
}

const atOnce = 200
