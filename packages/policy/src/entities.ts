import { actorsOf, isDelegated, type Principal, type Resource, type Subject } from '@sallyport/core'

/** How the things that policies speak of are spelled in Cedar. */

export interface Uid {
  readonly type: string
  readonly id: string
}

export interface Entity {
  readonly uid: Uid
  readonly attrs: Readonly<Record<string, string>>
  readonly parents: Uid[]
}

/** `User::"alice"` in its groups. */
export function principalEntity(principal: Principal): Entity {
  const prefix = `${principal.kind}:`
  const id = principal.id.startsWith(prefix) ? principal.id.slice(prefix.length) : principal.id
  const uid = { type: principal.kind === 'user' ? 'User' : 'Workload', id }
  return { uid, attrs: {}, parents: principal.groups.map((group) => ({ type: 'Group', id: group })) }
}

/** `Resource::"orders-db"` in its labels. */
export function resourceEntity({ name, protocol, host, labels }: Resource): Entity {
  const parents = Object.entries(labels).map(([key, value]) => ({ type: 'Label', id: labelId(key, value) }))
  return { uid: { type: 'Resource', id: name }, attrs: { name, protocol, host }, parents }
}

/** `Object::"orders-db/shop/public/orders"` in each object around it, in its resource, and in the resource's labels. */
export function objectEntity(resource: Entity, path: readonly string[]): Entity {
  const segments = path.map(escapeSegment)
  const root = escapeSegment(resource.uid.id)
  const around = segments.slice(1).map((_, i) => objectUid(root, segments.slice(0, i + 1)))
  return {
    uid: objectUid(root, segments),
    attrs: { name: path.at(-1) ?? '', path: segments.join('/') },
    parents: [...around, resource.uid, ...resource.parents],
  }
}

/** `Tag::"pii.email"` in `Tag::"pii"`. */
export function tagEntity(tag: string): Entity {
  const words = tag.split('.')
  const parents = words.slice(1).map((_, i) => ({ type: 'Tag', id: words.slice(0, i + 1).join('.') }))
  return { uid: { type: 'Tag', id: tag }, attrs: {}, parents }
}

/** What `administer`, `replay` and `review` are asked of where no resource is named. */
export const gatewayEntity: Entity = { uid: { type: 'Gateway', id: 'sallyport' }, attrs: {}, parents: [] }

/** `context.source`; `0.0.0.0`, which nobody can come from, where it is not known or no policy asks for it. */
export function sourceValue(address: string | undefined): { __extn: { fn: string; arg: string } } {
  return { __extn: { fn: 'ip', arg: address ?? '0.0.0.0' } }
}

export type ActorRecord = Record<string, string | boolean | string[]>

/** `context.actor`. */
export function actorRecord(subject: Subject): ActorRecord {
  const { actor } = subject
  const delegated = isDelegated(subject)
  return {
    id: actor.id,
    kind: actor.kind,
    isDelegated: delegated,
    chain: delegated ? actorsOf(actor).map(({ id }) => id) : [],
  }
}

/** `env=prod`; `%` and `=` in the key are percent-escaped, so that no two labels share a spelling. */
export function labelId(key: string, value: string): string {
  return `${key.replaceAll('%', '%25').replaceAll('=', '%3D')}=${value}`
}

/** `%` and `/` percent-escaped: a name with a slash is one segment still. */
export function escapeSegment(name: string): string {
  return name.replaceAll('%', '%25').replaceAll('/', '%2F')
}

export function unescapeSegment(segment: string): string {
  return segment.replaceAll('%2F', '/').replaceAll('%25', '%')
}

function objectUid(root: string, segments: readonly string[]): Uid {
  return { type: 'Object', id: [root, ...segments].join('/') }
}
