import type { AttributePath, CompareOperator, CompareValue, Filter } from './filter.ts'
import { invalid, type ScimProblem } from './problem.ts'
import { findAttribute, findSub, type Attribute, type ResourceType } from './schema.ts'

/** A resource, or a value of one of its attributes, under the names of the schema. */
export type Json = Readonly<Record<string, unknown>>

/** A filter whose attributes are known: says of a resource whether it fulfils it. */
export type Test = (resource: Json) => boolean

/** Where the attributes of a filter are looked for. */
type Find = (path: AttributePath) => {
  readonly attribute: Attribute
  readonly values: (of: Json) => unknown[]
}

/** @throws ScimProblem invalidFilter where it names what there is not */
export function testOf(filter: Filter, type: ResourceType): Test {
  return compiled(filter, (path) => {
    const found = findAttribute(type, path)
    if (found === undefined || found.attribute.may === 'secret') throw unknown(path)
    const { attribute, extension } = found
    const values = (of: Json): unknown[] =>
      listed((extension === undefined ? of : asJson(of[extension]))[attribute.name])
    return { attribute, values }
  })
}

/** The same of one value of a list: `type eq "work"`. */
export function valueTestOf(filter: Filter, list: Attribute): Test {
  return compiled(filter, (path) => {
    const isPlain = path.schema === undefined && path.sub === undefined
    const sub = isPlain ? findSub(list, path.name) : undefined
    if (sub === undefined) throw unknown(path)
    return { attribute: sub, values: (of) => listed(of[sub.name]) }
  })
}

function compiled(filter: Filter, find: Find): Test {
  switch (filter.is) {
    case 'and':
    case 'or': {
      const [left, right] = [compiled(filter.left, find), compiled(filter.right, find)]
      return filter.is === 'and' ? (it) => left(it) && right(it) : (it) => left(it) || right(it)
    }
    case 'not': {
      const inner = compiled(filter.of, find)
      return (it) => !inner(it)
    }
    case 'within': {
      const { attribute, values } = find(filter.path)
      if (attribute.type !== 'complex') throw unknown(filter.path)
      const inner = valueTestOf(filter.of, attribute)
      return (it) => values(it).some((value) => inner(asJson(value)))
    }
    case 'present': {
      const { values } = find(filter.path)
      const { sub } = filter.path
      const those = sub === undefined ? values : simple(find, filter.path).values
      return (it) => those(it).some((value) => value !== '' && value !== null)
    }
    case 'compare': {
      const { attribute, values } = simple(find, filter.path)
      const { operator, value } = filter
      if (value === null && operator === 'eq') return (it) => values(it).length === 0
      if (value === null && operator === 'ne') return (it) => values(it).length > 0
      const isMet = comparison(attribute, operator === 'ne' ? 'eq' : operator, value)
      return operator === 'ne' ? (it) => !values(it).some(isMet) : (it) => values(it).some(isMet)
    }
  }
}

/** What a comparison is with: a list of values is compared by their `value`. RFC 7644 section 3.4.2.2 */
function simple(find: Find, path: AttributePath): ReturnType<Find> {
  const { attribute, values } = find(path)
  if (attribute.type !== 'complex') {
    if (path.sub !== undefined) throw unknown(path)
    return { attribute, values }
  }
  const sub = findSub(attribute, path.sub ?? 'value')
  if (sub === undefined) throw unknown(path)
  return { attribute: sub, values: (of) => values(of).flatMap((value) => listed(asJson(value)[sub.name])) }
}

function comparison(
  { type = 'string', isCaseExact, name }: Attribute,
  operator: Exclude<CompareOperator, 'ne'>,
  value: CompareValue,
): (one: unknown) => boolean {
  if (type === 'boolean') {
    if (operator !== 'eq' || typeof value !== 'boolean')
      throw invalid('invalidFilter', `${name} is true or false, and compared by eq and ne`)
    return (one) => one === value
  }
  if (typeof value !== 'string') throw invalid('invalidFilter', `${name} is compared with a text`)
  const plain = (text: string): string => (isCaseExact === true ? text : text.toLowerCase())
  const wanted = plain(value)
  const meets = comparisons[operator]
  return (one) => typeof one === 'string' && meets(plain(one), wanted)
}

/** Times of RFC 3339 in UTC, as ours are, compare as texts do. */
const comparisons: Readonly<Record<Exclude<CompareOperator, 'ne'>, (one: string, other: string) => boolean>> =
  {
    eq: (one, other) => one === other,
    co: (one, other) => one.includes(other),
    sw: (one, other) => one.startsWith(other),
    ew: (one, other) => one.endsWith(other),
    gt: (one, other) => one > other,
    ge: (one, other) => one >= other,
    lt: (one, other) => one < other,
    le: (one, other) => one <= other,
  }

export function listed(value: unknown): unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

export function asJson(value: unknown): Json {
  return isJson(value) ? value : {}
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknown({ schema, name, sub }: AttributePath): ScimProblem {
  const written = [
    ...(schema === undefined ? [] : [`${schema}:`]),
    name,
    ...(sub === undefined ? [] : [`.${sub}`]),
  ]
  return invalid('invalidFilter', `there is no attribute ${written.join('')} to filter by`)
}
