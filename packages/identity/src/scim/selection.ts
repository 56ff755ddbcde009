import { asJson, isJson, type Json } from './evaluate.ts'
import { parsePath, type AttributePath } from './filter.ts'
import { findAttribute, findSub, type ResourceType } from './schema.ts'

/** Which attributes somebody wants to see, or does not: lists of names. RFC 7644 section 3.9 */
export interface Selection {
  readonly attributes?: string
  readonly excludedAttributes?: string
}

/** As much of a resource as is asked for. Its id and schemas are always there. */
export function selected(
  resource: Json,
  type: ResourceType,
  { attributes, excludedAttributes }: Selection,
): Json {
  if (attributes !== undefined) return only(resource, type, pathsIn(attributes))
  return excludedAttributes === undefined ? resource : without(resource, type, pathsIn(excludedAttributes))
}

/** Whether the members of a group are among what is asked for. */
export function asksForMembers({ attributes, excludedAttributes }: Selection): boolean {
  const names = (text: string): boolean => pathsIn(text).some(({ name }) => name.toLowerCase() === 'members')
  if (attributes !== undefined) return names(attributes)
  return excludedAttributes === undefined || !names(excludedAttributes)
}

function only(resource: Json, type: ResourceType, paths: readonly AttributePath[]): Json {
  const kept: Record<string, unknown> = { schemas: resource['schemas'], id: resource['id'] }
  for (const path of paths) {
    const found = findAttribute(type, path)
    if (found === undefined) continue
    const { attribute, extension } = found
    const from = extension === undefined ? resource : asJson(resource[extension])
    const to = extension === undefined ? kept : ((kept[extension] ??= {}) as Record<string, unknown>)
    const value = from[attribute.name]
    if (value === undefined) continue
    const sub = path.sub === undefined ? undefined : findSub(attribute, path.sub)?.name
    to[attribute.name] = sub === undefined ? value : mapped(value, (one) => ({ [sub]: one[sub] }))
  }
  return kept
}

function without(resource: Json, type: ResourceType, paths: readonly AttributePath[]): Json {
  const kept: Record<string, unknown> = { ...resource }
  for (const path of paths) {
    const found = findAttribute(type, path)
    if (found === undefined || found.attribute.name === 'id') continue
    const { attribute, extension } = found
    const holder = extension === undefined ? kept : { ...asJson(kept[extension]) }
    if (extension !== undefined) kept[extension] = holder
    const sub = path.sub === undefined ? undefined : findSub(attribute, path.sub)?.name
    if (sub === undefined) delete holder[attribute.name]
    else if (holder[attribute.name] !== undefined)
      holder[attribute.name] = mapped(holder[attribute.name], ({ [sub]: _gone, ...rest }) => rest)
  }
  return kept
}

function mapped(value: unknown, change: (one: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((one) => (isJson(one) ? change(one) : one))
  return isJson(value) ? change(value) : value
}

/** Names that nothing has are left out. */
function pathsIn(text: string): readonly AttributePath[] {
  return text.split(',', maxNames).flatMap((name) => {
    try {
      return [parsePath(name.trim())]
    } catch {
      return []
    }
  })
}

const maxNames = 100
