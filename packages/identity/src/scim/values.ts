import { isJson, type Json } from './evaluate.ts'
import { invalid } from './problem.ts'
import { findAttribute, findSub, schemaNamed, type Attribute, type ResourceType } from './schema.ts'

/** A resource that is being made: attributes under the names of the schema. */
export type Draft = Record<string, unknown>

/**
 * What a client says of a resource, as far as it is ours to keep: known attributes that may be written, in the types that they have.
 * Others are left out, as RFC 7644 section 3.3 allows. A password is nobody's to know here.
 * @throws ScimProblem invalidValue
 */
export function draftFrom(body: unknown, type: ResourceType): Draft {
  if (!isJson(body)) throw invalid('invalidSyntax', 'the body is no JSON object')
  const draft: Draft = {}
  for (const [name, value] of Object.entries(body)) {
    const schema = schemaNamed(type, name)
    if (schema !== undefined && isJson(value))
      for (const [inner, one] of Object.entries(value))
        put(draft, type, { schema: schema.id, name: inner }, one)
    else put(draft, type, { name }, value)
  }
  checkSize(draft)
  return draft
}

function put(
  draft: Draft,
  type: ResourceType,
  path: { readonly schema?: string; readonly name: string },
  value: unknown,
): void {
  const found = findAttribute(type, path)
  if (found === undefined || found.attribute.may !== undefined) return
  setAt(holderIn(draft, found.extension), found.attribute, valueOf(found.attribute, value))
}

/** Where an extension's attributes stand, made where it is not there. */
export function holderIn(draft: Draft, extension: string | undefined): Draft {
  if (extension === undefined) return draft
  const there = draft[extension]
  return isJson(there) ? (there as Draft) : (draft[extension] = {})
}

/** Nothing, and an empty list, is what is not there. RFC 7643 section 2.5 */
export function setAt(holder: Draft, { name }: Attribute, value: unknown): void {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) delete holder[name]
  else holder[name] = value
}

/**
 * A value in the type of its attribute; undefined for what is unassigned. Entra ID sends truths as texts, and one value where a list of
 * one is meant.
 * @throws ScimProblem invalidValue
 */
export function valueOf(attribute: Attribute, value: unknown): unknown {
  if (attribute.isMany !== true) return oneOf(attribute, value)
  if (value === null || value === undefined) return undefined
  const values = Array.isArray(value) ? value : [value]
  const most = attribute.name === 'members' ? maxMembers : maxValues
  if (values.length > most) throw invalid('tooMany', `${attribute.name} has more than ${most} values`)
  return values.map((one) => oneOf(attribute, one)).filter((one) => one !== undefined)
}

/** One value of a list, or the value of what is no list. */
export function oneOf(attribute: Attribute, said: unknown): unknown {
  const value: unknown = Array.isArray(said) && said.length === 1 ? said[0] : said
  if (value === null || value === undefined) return undefined
  const { type = 'string', name } = attribute
  switch (type) {
    case 'complex':
      return complexOf(attribute, value)
    case 'boolean': {
      if (typeof value === 'boolean') return value
      const text = typeof value === 'string' ? value.toLowerCase() : undefined
      if (text !== 'true' && text !== 'false') throw invalid('invalidValue', `${name} is true or false`)
      return text === 'true'
    }
    default:
      return textOf(name, value)
  }
}

function complexOf(attribute: Attribute, value: unknown): Json | undefined {
  // A text alone is the value: a manager's id, a role's name.
  if (typeof value === 'string' && findSub(attribute, 'value') !== undefined)
    return value === '' ? undefined : { value: textOf(attribute.name, value) }
  if (!isJson(value)) throw invalid('invalidValue', `${attribute.name} is made of several values`)
  const made: Draft = {}
  for (const [name, one] of Object.entries(value)) {
    const sub = findSub(attribute, name)
    if (sub !== undefined) setAt(made, sub, oneOf(sub, one))
  }
  return Object.keys(made).length === 0 ? undefined : made
}

function textOf(name: string, value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string') throw invalid('invalidValue', `${name} is a text`)
  if (text.length > maxTextCharacters)
    throw invalid('invalidValue', `${name} has more than ${maxTextCharacters} characters`)
  return text
}

/** @throws ScimProblem where it is more than one resource may be; members are counted, not measured */
export function checkSize(draft: Draft): void {
  const size = JSON.stringify({ ...draft, members: undefined }).length
  if (size > maxResourceCharacters)
    throw invalid('invalidValue', `it has more than ${maxResourceCharacters} characters of attributes`)
}

export const maxMembers = 5000
const maxValues = 100
const maxTextCharacters = 2048
const maxResourceCharacters = 65_536
