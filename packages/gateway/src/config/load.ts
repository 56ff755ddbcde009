import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { isMap, isPair, isScalar, LineCounter, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { fromEnvironment, variableOf, type EnvironmentKey } from './environment.ts'
import { nearest } from './nearest.ts'
import { configSchema, type Config, type Listening } from './schema.ts'

/** Everything that is wrong with a configuration, one line each: place, key, what, and how to mend it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly issues: readonly string[]

  constructor(issues: readonly string[]) {
    super(issues.join('\n'))
    this.issues = issues
  }
}

export interface LoadedConfig {
  readonly config: Config
  /** Where each key that was set comes from, by dotted path: `gateway.yaml:3`, or a variable's name. */
  readonly sources: ReadonlyMap<string, string>
}

/** @throws ConfigError */
export function loadConfig(options: {
  /** The defaults and the environment alone where absent. */
  readonly file?: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly protocols: readonly Listening[]
}): LoadedConfig {
  const { file, environment, protocols } = options
  return parseConfig({
    name: file === undefined ? 'gateway.yaml' : basename(file),
    text: file === undefined ? '' : read(file),
    environment,
    protocols,
  })
}

/** @throws ConfigError */
export function parseConfig(options: {
  readonly name: string
  readonly text: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly protocols: readonly Listening[]
}): LoadedConfig {
  const schema = configSchema(options.protocols)
  const written = new Written(options.name, options.text)
  const environment = fromEnvironment(schema, options.environment)
  const issues = [...written.issues, ...environment.issues]
  const { value } = written
  for (const key of environment.keys) put(value, key.path, key.value)

  const result = schema.safeParse(value)
  if (!result.success)
    issues.push(...result.error.issues.flatMap((it) => worded(it, schema, written, environment.keys)))
  if (issues.length > 0 || !result.success) throw new ConfigError(issues)

  const sources = new Map(written.places())
  for (const { path, variable } of environment.keys) sources.set(path.join('.'), variable)
  // Listeners by protocol are keys that only the registry knows.
  return { config: deepFreeze(result.data) as Config, sources }
}

/** The file as written, with the place of each key. */
class Written {
  readonly name: string
  readonly issues: readonly string[]
  readonly value: Record<string, unknown>
  readonly #document: Document.Parsed
  readonly #lines = new LineCounter()

  constructor(name: string, text: string) {
    this.name = name
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      logLevel: 'silent',
    })
    const issues = this.#document.errors.map(
      (error) => `${this.#at(error.pos[0])}: ${firstLine(error.message)}`,
    )
    let value: unknown
    try {
      value = issues.length === 0 ? (this.#document.toJS() ?? {}) : {}
    } catch (error) {
      // An alias without its anchor, or one that unfolds without end.
      issues.push(`${name}:1:1: ${error instanceof Error ? firstLine(error.message) : 'it cannot be read'}`)
      value = {}
    }
    if (!isRecord(value)) issues.push(`${name}:1:1: write keys and values, one a line`)
    this.value = isRecord(value) ? value : {}
    this.issues = issues
  }

  /** `file:line:column` of a key, or of the nearest key above it that was written. */
  place(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offset(path.slice(0, length))
      if (offset !== undefined) return this.#at(offset)
    }
    return this.name
  }

  *places(): Iterable<[string, string]> {
    yield* this.#walk(this.#document.contents, [])
  }

  *#walk(node: unknown, path: readonly string[]): Iterable<[string, string]> {
    if (!isMap(node)) {
      yield [path.join('.'), this.place(path).replace(/:\d+$/, '')]
      return
    }
    for (const pair of node.items) {
      if (isScalar(pair.key)) yield* this.#walk(pair.value, [...path, String(pair.key.value)])
    }
  }

  #offset(path: readonly PropertyKey[]): number | undefined {
    const parent: unknown =
      path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true)
    if (!isMap(parent)) {
      const node: unknown = this.#document.getIn(path, true)
      return isScalar(node) ? node.range?.[0] : undefined
    }
    const pair = parent.items.find((it) => isPair(it) && isScalar(it.key) && it.key.value === path.at(-1))
    return isScalar(pair?.key) ? pair.key.range?.[0] : undefined
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset)
    return `${this.name}:${line}:${col}`
  }
}

function worded(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  written: Written,
  environment: readonly EnvironmentKey[],
): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      const meant = nearest(key, siblings(schema, issue.path))
      return `${written.place(path)} ${dottedOf(path)}: unknown key${meant === undefined ? '' : `; did you mean ${meant}?`}`
    })
  }
  const dotted = dottedOf(issue.path)
  const variable = environment.find((it) => it.path.join('.') === dotted)?.variable
  const message = firstLine(issue.message).replace(/^Invalid input: /, '')
  if (variable !== undefined) return [`${variable}: ${message}`]
  const fix = issue.path.length > 0 ? ` (or set ${variableOf(issue.path.map(String))})` : ''
  const place = written.place(issue.path)
  return [`${place}${dotted === '' ? '' : ` ${dotted}`}: ${message}${place === written.name ? fix : ''}`]
}

/** A key with those above it, on one line whatever it is made of. */
function dottedOf(path: readonly PropertyKey[]): string {
  return path
    .map(String)
    .join('.')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

function siblings(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.ZodType | undefined = schema
  for (const key of path) at = shapeOf(at)?.[String(key)]
  return Object.keys(shapeOf(at) ?? {})
}

function shapeOf(schema: z.ZodType | undefined): Record<string, z.ZodType> | undefined {
  if (schema instanceof z.ZodObject) return schema.shape as Record<string, z.ZodType>
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return shapeOf(schema.unwrap() as z.ZodType)
  }
  return undefined
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'unknown'})`
    throw new ConfigError([`${file}: ${why}`])
  }
}

function put(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = root
  for (const key of path.slice(0, -1)) {
    const next = at[key]
    // What is no map there is a mistake that the schema will name.
    at = isRecord(next) ? next : ((at[key] = {}) as Record<string, unknown>)
  }
  at[path.at(-1) ?? ''] = value
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
