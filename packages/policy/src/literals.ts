import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'

/** Every entity that a policy names, wherever it stands: `Label::"env=prod"`. */
export function literals(policy: PolicyJson): { type: string; id: string }[] {
  const found: { type: string; id: string }[] = []
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('type' in node && 'id' in node && typeof node.type === 'string' && typeof node.id === 'string')
      found.push({ type: node.type, id: node.id })
    for (const child of Object.values(node)) visit(child)
  }
  visit([policy.principal, policy.action, policy.resource, policy.conditions])
  return found
}

/**
 * Why an entity so spelled can never be part of a request; undefined where it can.
 * A forbid that names one would never forbid, and nobody would notice.
 */
export function misspelling({ type, id }: { type: string; id: string }): string | undefined {
  if (type === 'Label' && !id.includes('='))
    return `Label::"${id}" has no value; a label is written Label::"env=prod"`
  if (type === 'Object' && !/^[^/]+(\/[^/]+)+$/.test(id))
    return `Object::"${id}" is no path; an object is written Object::"orders-db/shop/public/orders", a resource Resource::"orders-db"`
  if (type === 'Object' && /%(?!25|2F)/.test(id))
    return `Object::"${id}": a % in a name is written %25, a slash %2F`
  if (type === 'Resource' && id.includes('/'))
    return `Resource::"${id}" names an object; write Object::"${id}"`
  if ((type === 'User' || type === 'Workload') && id.startsWith(`${type.toLowerCase()}:`))
    return `${type}::"${id}" has its kind twice; write ${type}::"${id.slice(type.length + 1)}"`
  if (type === 'Gateway' && id !== 'sallyport') return `the gateway is written Gateway::"sallyport"`
  return undefined
}

/** The attributes of `context` that a policy asks for; undefined where it may ask for any. */
export function contextAttributes(policy: PolicyJson): Set<string> | undefined {
  const asked = new Set<string>()
  let isBounded = true
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if ('Var' in node && node.Var === 'context') isBounded = false
    for (const [key, child] of Object.entries(node)) {
      const attribute = key === '.' || key === 'has' ? ofContext(child) : undefined
      if (attribute === undefined) visit(child)
      else asked.add(attribute)
    }
  }
  visit(policy.conditions)
  return isBounded ? asked : undefined
}

/** The first name of `context.name…` or `context has name…`. */
function ofContext(access: unknown): string | undefined {
  if (typeof access !== 'object' || access === null || !('left' in access) || !('attr' in access))
    return undefined
  const { left, attr } = access
  if (typeof left !== 'object' || left === null || !('Var' in left) || left.Var !== 'context')
    return undefined
  const name: unknown = Array.isArray(attr) ? attr[0] : attr
  return typeof name === 'string' ? name : undefined
}
