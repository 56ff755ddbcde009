import { parse } from 'yaml'
import { z } from 'zod'
import { nearest } from './nearest.ts'

/** A key that the environment sets. */
export interface EnvironmentKey {
  readonly variable: string
  readonly path: readonly string[]
  readonly value: unknown
}

/** `['listen', 'api']` is `SALLYPORT_LISTEN__API`, `['dataDirectory']` is `SALLYPORT_DATA_DIRECTORY`. */
export function variableOf(path: readonly string[]): string {
  return `SALLYPORT_${path.map((key) => key.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()).join('__')}`
}

/** Paths of all that can be set: the leaves of the schema's objects. */
function leaves(schema: z.ZodType, path: readonly string[] = []): (readonly string[])[] {
  const inner = unwrapped(schema)
  if (!(inner instanceof z.ZodObject)) return [path]
  return Object.entries(inner.shape).flatMap(([key, value]) => leaves(value as z.ZodType, [...path, key]))
}

/**
 * What the environment says, and what in it looks like ours but is not. Values are read as YAML: numbers, `[a, b]`.
 * Other variables of the same prefix belong to the command line; only those with a `__` can be mistakes.
 */
export function fromEnvironment(
  schema: z.ZodType,
  environment: Readonly<Record<string, string | undefined>>,
): { keys: EnvironmentKey[]; issues: string[] } {
  const byVariable = new Map(leaves(schema).map((path) => [variableOf(path), path]))
  const keys: EnvironmentKey[] = []
  const issues: string[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('SALLYPORT_') || text === undefined) continue
    const path = byVariable.get(variable)
    if (path !== undefined) {
      keys.push({ variable, path, value: scalar(text) })
      continue
    }
    if (variable.includes('__')) {
      const meant = nearest(variable, [...byVariable.keys()])
      issues.push(`${variable}: unknown key${meant === undefined ? '' : `; did you mean ${meant}?`}`)
    }
  }
  return { keys, issues }
}

function scalar(text: string): unknown {
  try {
    const value: unknown = parse(text)
    return typeof value === 'object' && !Array.isArray(value) ? text : value
  } catch {
    return text
  }
}

function unwrapped(schema: z.ZodType): z.ZodType {
  let inner = schema
  while (inner instanceof z.ZodPrefault || inner instanceof z.ZodDefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap() as z.ZodType
  }
  return inner
}
