import type { Claims } from './jwt.ts'
import { isObject } from './jwt.ts'

/** A claim by its name, or by a JSON Pointer to one further down: `/realm_access/roles`. RFC 6901 */
export function claimAt(claims: Claims, path: string): unknown {
  if (!path.startsWith('/')) return own(claims, path)
  let at: unknown = claims
  for (const step of path.slice(1).split('/')) {
    if (!isObject(at)) return undefined
    at = own(at, step.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  return at
}

/** What is a text, or a list of texts. Anything else is none. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((it) => typeof it === 'string') : []
}

/** Whether a claim is elsewhere, for want of room. OpenID Connect Core section 5.6.2 */
export function isDistributed(claims: Claims, name: string): boolean {
  const names = own(claims, '_claim_names')
  return (isObject(names) && Object.hasOwn(names, name)) || own(claims, `has${name}`) === true
}

/** A claim's value for a log: short, on one line, whatever is in it. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'nothing')
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
  return plain.length <= maxShown ? plain : `${plain.slice(0, maxShown)}…`
}

function own(object: Claims, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

const maxShown = 100
