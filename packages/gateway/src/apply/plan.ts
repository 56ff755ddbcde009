import { isDeepStrictEqual } from 'node:util'
import type { Change, Document } from '@sallyport/api'

/**
 * What would have to change so that `current` says what `wanted` says. Pure: nothing is looked up, nothing is done.
 * Of the kinds in `pruned`, what is not wanted is deleted; users never are.
 */
export function planChanges(
  current: readonly Document[],
  wanted: readonly Document[],
  pruned: ReadonlySet<Document['kind']>,
): Change[] {
  const before = new Map(current.map((it) => [keyOf(it), it]))
  const changes = wanted.map((document): Change => {
    const { kind, name } = document
    const old = before.get(keyOf(document))
    if (old === undefined) return { action: 'create', kind, name, changes: differences({}, document, kind) }
    const found = differences(old, document, kind)
    return { action: found.length === 0 ? 'unchanged' : 'update', kind, name, changes: found }
  })
  const kept = new Set(wanted.map(keyOf))
  const gone = current.filter((it) => it.kind !== 'User' && pruned.has(it.kind) && !kept.has(keyOf(it)))
  return [
    ...changes,
    ...gone.map(({ kind, name }): Change => ({ action: 'delete', kind, name, changes: [] })),
  ]
}

export function keyOf({ kind, name }: Pick<Document, 'kind' | 'name'>): string {
  return `${kind}/${name}`
}

/** The documents that would stand afterwards. */
export function after(
  current: readonly Document[],
  wanted: readonly Document[],
  plan: readonly Change[],
): Document[] {
  const standing = new Map(current.map((it) => [keyOf(it), it]))
  for (const document of wanted) standing.set(keyOf(document), document)
  for (const change of plan) if (change.action === 'delete') standing.delete(keyOf(change))
  return [...standing.values()]
}

function differences(from: object, to: object, kind: Document['kind'], path = ''): Change['changes'] {
  const before = from as Record<string, unknown>
  const now = to as Record<string, unknown>
  const keys = new Set([...Object.keys(before), ...Object.keys(now)])
  return [...keys].flatMap((key) => {
    if (path === '' && (key === 'kind' || key === 'name')) return []
    const [a, b] = [before[key], now[key]]
    if (isDeepStrictEqual(a, b)) return []
    const here = path === '' ? key : `${path}.${key}`
    if (isMap(a) && isMap(b)) return differences(a, b, kind, here)
    const isSecret = kind === 'Credential' && here === 'password'
    return [
      {
        path: here,
        ...(a === undefined ? {} : { from: isSecret ? '[sealed]' : a }),
        ...(b === undefined ? {} : { to: isSecret ? '[sealed]' : b }),
      },
    ]
  })
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
