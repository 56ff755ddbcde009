import { asJson, isJson, listed, valueTestOf, type Json } from './evaluate.ts'
import { parsePath, type Filter, type PatchPath } from './filter.ts'
import { invalid } from './problem.ts'
import {
  findAttribute,
  findSub,
  schemaNamed,
  type Attribute,
  type FoundAttribute,
  type ResourceType,
} from './schema.ts'
import { checkSize, holderIn, maxMembers, oneOf, setAt, valueOf, type Draft } from './values.ts'

type Op = 'add' | 'remove' | 'replace'

/**
 * A resource as a PATCH changes it: RFC 7644 section 3.5.2, and what Entra ID and Okta send beyond it: operations in any case, truths as
 * texts, names with a dot where there is no path, what is to be removed as a value. All operations or none.
 * @throws ScimProblem
 */
export function patched(resource: Json, body: unknown, type: ResourceType): Draft {
  const operations = asJson(body)
  const list = Object.entries(operations).find(([name]) => name.toLowerCase() === 'operations')?.[1]
  if (!Array.isArray(list)) throw invalid('invalidSyntax', 'there are no Operations')
  if (list.length > maxOperations) throw invalid('tooMany', `there are more than ${maxOperations} operations`)
  const draft = structuredClone(resource) as Draft
  for (const one of list) apply(draft, one, type)
  checkSize(draft)
  return draft
}

function apply(draft: Draft, operation: unknown, type: ResourceType): void {
  const { op: said, path, value } = asJson(operation)
  const op = typeof said === 'string' ? said.toLowerCase() : undefined
  if (op !== 'add' && op !== 'remove' && op !== 'replace')
    throw invalid('invalidSyntax', 'an operation adds, removes or replaces')
  if (path !== undefined && path !== null && path !== '') {
    if (typeof path !== 'string') throw invalid('invalidPath', 'a path is a text')
    applyAt(draft, { op, path: parsePath(path), value }, type)
    return
  }
  if (op === 'remove') throw invalid('noTarget', 'what is to be removed is named by a path')
  if (!isJson(value)) throw invalid('invalidValue', 'without a path, a value names the attributes')
  for (const [name, one] of Object.entries(value)) applyNamed(draft, op, { name, value: one }, type)
}

/** An attribute that a value names: unknown ones are left out, as in the body of a whole resource. */
function applyNamed(
  draft: Draft,
  op: Op,
  { name, value }: { readonly name: string; readonly value: unknown },
  type: ResourceType,
): void {
  const schema = schemaNamed(type, name)
  if (schema !== undefined && isJson(value)) {
    for (const [inner, one] of Object.entries(value))
      applyNamed(draft, op, { name: `${schema.id}:${inner}`, value: one }, type)
    return
  }
  const path = pathOrNone(name)
  const found = path && findAttribute(type, path)
  if (path === undefined || found === undefined || found.attribute.may !== undefined) return
  applyAt(draft, { op, path, value }, type)
}

function pathOrNone(name: string): PatchPath | undefined {
  try {
    return parsePath(name)
  } catch {
    return undefined
  }
}

interface Change {
  readonly op: Op
  readonly path: PatchPath
  readonly value: unknown
}

function applyAt(draft: Draft, change: Change, type: ResourceType): void {
  const { op, path, value } = change
  const found = findAttribute(type, path)
  if (found === undefined) throw invalid('invalidPath', `there is no attribute ${path.name}`)
  const { attribute } = found
  // Taken for nothing: nobody's password is kept here.
  if (attribute.may === 'secret') return
  if (attribute.may === 'readOnly') throw invalid('mutability', `${attribute.name} cannot be changed`)
  if (path.where !== undefined) applyWithin(draft, found, { ...change, where: path.where })
  else if (path.sub !== undefined) applyToSub(draft, found, { op, sub: path.sub, value })
  else applyWhole(draft, found, op, value)
}

function applyWhole(draft: Draft, { attribute, extension }: FoundAttribute, op: Op, value: unknown): void {
  const holder = holderIn(draft, extension)
  const there = holder[attribute.name]
  if (op === 'remove') {
    const isPart = attribute.isMany === true && value !== undefined && value !== null
    const gone = isPart ? listed(valueOf(attribute, value)).map(asJson) : undefined
    setAt(holder, attribute, gone && without(attribute, listed(there).map(asJson), gone))
    return
  }
  const given = valueOf(attribute, value)
  if (attribute.isMany === true)
    setAt(holder, attribute, joined(attribute, op === 'add' ? listed(there) : [], listed(given)))
  else if (attribute.type === 'complex' && given !== undefined)
    setAt(holder, attribute, { ...asJson(there), ...asJson(given) })
  else if (given !== undefined || op === 'replace') setAt(holder, attribute, given)
}

function applyToSub(
  draft: Draft,
  { attribute, extension }: FoundAttribute,
  { op, sub: name, value }: { readonly op: Op; readonly sub: string; readonly value: unknown },
): void {
  const sub = subOf(attribute, name)
  const holder = holderIn(draft, extension)
  const given = op === 'remove' ? undefined : oneOf(sub, value)
  if (attribute.isMany !== true) {
    setAt(holder, attribute, withSub(asJson(holder[attribute.name]), sub, given))
    return
  }
  const values = listed(holder[attribute.name]).map((one) => withSub(asJson(one), sub, given))
  if (values.length === 0 && op !== 'remove')
    throw invalid('noTarget', `there is no value of ${attribute.name}`)
  setAt(holder, attribute, present(values))
}

function applyWithin(
  draft: Draft,
  { attribute, extension }: FoundAttribute,
  { op, path, value, where }: Change & { readonly where: Filter },
): void {
  if (attribute.isMany !== true) throw invalid('invalidPath', `${attribute.name} is no list of values`)
  const holder = holderIn(draft, extension)
  const isMeant = valueTestOf(where, attribute)
  const values = listed(holder[attribute.name]).map(asJson)
  const sub = path.sub === undefined ? undefined : subOf(attribute, path.sub)
  if (op === 'remove') {
    const rest = values.flatMap((one) =>
      isMeant(one) ? (sub === undefined ? [] : [withSub(one, sub, undefined)]) : [one],
    )
    setAt(holder, attribute, present(rest))
    return
  }
  const changed = (one: Json): unknown =>
    sub === undefined ? { ...one, ...asJson(oneOf(attribute, value)) } : withSub(one, sub, oneOf(sub, value))
  const isThere = values.some(isMeant)
  // Entra ID says by the filter what the new value is to be.
  const made = isThere || sub === undefined ? undefined : describedBy(where, attribute)
  if (!isThere && made === undefined) throw invalid('noTarget', `there is no such value of ${attribute.name}`)
  const next = values.map((one) => (isMeant(one) ? changed(one) : one))
  setAt(holder, attribute, present(made === undefined ? next : [...next, changed(made)]))
}

/** The value that a filter describes to the letter: `type eq "work" and primary eq true`. */
function describedBy(filter: Filter, list: Attribute): Json | undefined {
  if (filter.is === 'and') {
    const [left, right] = [describedBy(filter.left, list), describedBy(filter.right, list)]
    return left && right && { ...left, ...right }
  }
  if (filter.is !== 'compare' || filter.operator !== 'eq' || filter.value === null) return undefined
  const sub = findSub(list, filter.path.name)
  return sub && { [sub.name]: oneOf(sub, filter.value) }
}

function subOf(attribute: Attribute, name: string): Attribute {
  const sub = findSub(attribute, name)
  if (sub === undefined) throw invalid('invalidPath', `${attribute.name} has no ${name}`)
  return sub
}

function withSub(value: Json, sub: Attribute, given: unknown): unknown {
  const next: Draft = { ...value }
  setAt(next, sub, given)
  return Object.keys(next).length === 0 ? undefined : next
}

function present(values: readonly unknown[]): unknown[] {
  return values.filter((one) => one !== undefined)
}

/** Of what is there already, nothing changes. */
function joined(attribute: Attribute, there: readonly unknown[], more: readonly unknown[]): unknown[] {
  const isMain = more.some((one) => asJson(one)['primary'] === true)
  const known = new Set<string>()
  const before = isMain ? there.map((one) => notMain(asJson(one))) : there
  const all = [...before, ...more].filter((one) => {
    const key = keyOf(attribute, asJson(one))
    return !known.has(key) && known.add(key)
  })
  if (attribute.name === 'members' && all.length > maxMembers)
    throw invalid('tooMany', `a group has at most ${maxMembers} members`)
  return all
}

/** One value at most is the main one. RFC 7644 section 3.5.2 */
function notMain(value: Json): Json {
  return value['primary'] === true ? { ...value, primary: false } : value
}

/** A value goes where all that is said of one that is to go is said of it. */
function without(attribute: Attribute, there: readonly Json[], gone: readonly Json[]): readonly Json[] {
  if (attribute.name !== 'members')
    return there.filter(
      (one) => !gone.some((other) => Object.entries(other).every(([name, value]) => one[name] === value)),
    )
  const keys = new Set(gone.map((one) => keyOf(attribute, one)))
  return there.filter((one) => !keys.has(keyOf(attribute, one)))
}

/** Members are who they are by their id; of other values, all counts. */
function keyOf({ name }: Attribute, value: Json): string {
  if (name === 'members') return String(value['value'])
  return JSON.stringify(
    Object.keys(value)
      .toSorted()
      .map((sub) => [sub, value[sub]]),
  )
}

const maxOperations = 1000
