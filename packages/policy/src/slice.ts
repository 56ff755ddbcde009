import type {
  ActionConstraint,
  PrincipalConstraint,
  ResourceConstraint,
} from '@cedar-policy/cedar-wasm/nodejs'
import { RecentCache } from '@sallyport/core'
import type { PreparedPolicies } from './engine.ts'
import { escapeSegment, type Entity, type Uid } from './entities.ts'
import { contextAttributes } from './literals.ts'
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

/** Of these, the ones that could matter to an action. `group`: what it is in, where it is in any. */
export function sliceOfAction(
  policies: readonly Policy[],
  action: string,
  group: string | undefined,
): Policy[] {
  return policies.filter(({ json }) => couldBeAction(json.action, action, group))
}

export interface SliceLimits {
  /** So many policies are asked together. */
  readonly together: number
  /** Of more, those that name what is in the resource are asked in parts of about so many. */
  readonly part: number
}

/** To have 64 policies in front of it costs Cedar a tenth more than to have one. */
const defaultLimits: SliceLimits = { together: 64, part: 48 }

/** The policies that can matter to a standing. Where they are many, a question is asked of those alone that fit its action and object. */
export class Slice {
  /** Facts that some policy asks for; undefined where one may ask for any. */
  readonly asked: ReadonlySet<string> | undefined
  readonly #policies: readonly Policy[]
  readonly #groupOf: (action: string) => string | undefined
  readonly #prepare: (policies: readonly Policy[]) => PreparedPolicies
  readonly #limits: SliceLimits
  readonly #ofActions = new Map<string, ActionSlice>()

  constructor(
    policies: readonly Policy[],
    parts: {
      readonly groupOf: (action: string) => string | undefined
      /** The same prepared policies for the same policies. */
      readonly prepare: (policies: readonly Policy[]) => PreparedPolicies
      readonly limits?: SliceLimits
    },
  ) {
    this.asked = askedBy(policies)
    this.#policies = policies
    this.#groupOf = parts.groupOf
    this.#prepare = parts.prepare
    this.#limits = parts.limits ?? defaultLimits
  }

  /** Those to ask of an action on something. */
  for(action: string, on: Entity): PreparedPolicies {
    let ofAction = this.#ofActions.get(action)
    if (ofAction === undefined) this.#ofActions.set(action, (ofAction = this.#ofAction(action)))
    return ofAction.for(on)
  }

  #ofAction(action: string): ActionSlice {
    const { together } = this.#limits
    const policies =
      this.#policies.length <= together
        ? this.#policies
        : sliceOfAction(this.#policies, action, this.#groupOf(action))
    return new ActionSlice(policies, this.#prepare, this.#limits)
  }
}

/** The policies that can matter to one action: those to be asked of anything, and those that name an object or tag, in parts. */
class ActionSlice {
  readonly #prepare: (policies: readonly Policy[]) => PreparedPolicies
  readonly #common: readonly Policy[]
  readonly #parts: Policy[][] = []
  /** Number of the part by what its policies name. */
  readonly #partOf = new Map<string, number>()
  readonly #prepared = new RecentCache<string, PreparedPolicies>(maxPrepared)

  constructor(
    policies: readonly Policy[],
    prepare: (policies: readonly Policy[]) => PreparedPolicies,
    { together, part }: SliceLimits,
  ) {
    this.#prepare = prepare
    if (policies.length <= together) {
      this.#common = policies
      return
    }
    const byName = Map.groupBy(policies, nameOf)
    this.#common = byName.get('') ?? []
    byName.delete('')
    // Those of one schema are likely to be asked one after the other.
    for (const [name, those] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const last = this.#parts.at(-1)
      if (last === undefined || last.length >= part) this.#parts.push([...those])
      else last.push(...those)
      this.#partOf.set(name, this.#parts.length - 1)
    }
  }

  for({ uid, parents }: Entity): PreparedPolicies {
    const parts = new Set<number>()
    if (this.#partOf.size > 0)
      for (const one of [uid, ...parents]) {
        const part = this.#partOf.get(keyOf(one))
        if (part !== undefined) parts.add(part)
      }
    const numbers = [...parts].sort((a, b) => a - b)
    const key = numbers.join()
    const known = this.#prepared.get(key)
    if (known !== undefined) return known
    const prepared = this.#prepare([...this.#common, ...numbers.flatMap((n) => this.#parts[n] ?? [])])
    this.#prepared.set(key, prepared)
    return prepared
  }
}

/** Facts that some of the policies ask for; undefined where one may ask for any. */
function askedBy(policies: readonly Policy[]): ReadonlySet<string> | undefined {
  const asked = new Set<string>()
  for (const { json } of policies) {
    const attributes = contextAttributes(json)
    if (attributes === undefined) return undefined
    for (const attribute of attributes) asked.add(attribute)
  }
  return asked
}

/** The object or tag that a policy's head names; empty where it could be about any. */
function nameOf({ json }: Policy): string {
  const named = namedBy(json.resource)
  return named !== undefined && (named.type === 'Object' || named.type === 'Tag') ? keyOf(named) : ''
}

function keyOf({ type, id }: Uid): string {
  return `${type}::${id}`
}

function couldBePrincipal(constraint: PrincipalConstraint, { uid, parents }: Entity): boolean {
  if (constraint.op === 'is' && constraint.entity_type !== uid.type) return false
  const named = namedBy(constraint)
  if (named === undefined) return true
  if (same(named, uid)) return true
  return constraint.op !== '==' && parents.some((parent) => same(named, parent))
}

function couldBeAction(constraint: ActionConstraint, action: string, group: string | undefined): boolean {
  if (constraint.op === 'All' || 'slot' in constraint) return true
  const named = 'entities' in constraint ? constraint.entities : [constraint.entity]
  return named.some((one) => {
    const { id } = '__entity' in one ? one.__entity : one
    return id === action || (constraint.op === 'in' && id === group)
  })
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
function namedBy(constraint: PrincipalConstraint | ResourceConstraint): Uid | undefined {
  if (constraint.op === 'All') return undefined
  const holder = constraint.op === 'is' ? constraint.in : constraint
  if (holder === undefined || !('entity' in holder)) return undefined
  return '__entity' in holder.entity ? holder.entity.__entity : holder.entity
}

function same(a: Uid, b: Uid): boolean {
  return a.type === b.type && a.id === b.id
}

const maxPrepared = 256
