import type { PrincipalConstraint, ResourceConstraint } from '@cedar-policy/cedar-wasm/nodejs'
import { escapeSegment, type Entity } from './entities.ts'
import type { Policy } from './policies.ts'

/**
 * The policies that could matter to this principal on this resource or on anything in it. Cedar's cost grows with each
 * policy it is handed; one whose scope does not fit can neither decide nor fail, so that leaving it out changes nothing.
 */
export function sliceOf(policies: readonly Policy[], principal: Entity, resource: Entity): Policy[] {
  return policies.filter(
    ({ json }) => couldBePrincipal(json.principal, principal) && couldBeResource(json.resource, resource),
  )
}

function couldBePrincipal(constraint: PrincipalConstraint, { uid, parents }: Entity): boolean {
  if (constraint.op === 'is' && constraint.entity_type !== uid.type) return false
  const named = namedBy(constraint)
  if (named === undefined) return true
  if (same(named, uid)) return true
  return constraint.op !== '==' && parents.some((parent) => same(named, parent))
}

function couldBeResource(constraint: ResourceConstraint, { uid, parents }: Entity): boolean {
  const named = namedBy(constraint)
  if (named === undefined) return true
  switch (named.type) {
    case 'Resource':
      return same(named, uid)
    case 'Label':
      return parents.some((parent) => same(named, parent))
    case 'Object':
      return named.id.startsWith(`${escapeSegment(uid.id)}/`)
    default:
      return true
  }
}

/** The entity after `==` or `in`. */
function namedBy(
  constraint: PrincipalConstraint | ResourceConstraint,
): { type: string; id: string } | undefined {
  if (constraint.op === 'All') return undefined
  const holder = constraint.op === 'is' ? constraint.in : constraint
  if (holder === undefined || !('entity' in holder)) return undefined
  return '__entity' in holder.entity ? holder.entity.__entity : holder.entity
}

function same(a: { type: string; id: string }, b: { type: string; id: string }): boolean {
  return a.type === b.type && a.id === b.id
}
