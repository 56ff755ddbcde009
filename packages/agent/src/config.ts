import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { isMap, isScalar, LineCounter, parse, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { configSchema, type AgentConfig } from './schema.ts'

/** Everything that is wrong with a configuration, one line each: place, key, what. */
export class AgentConfigError extends Error {
  override readonly name = 'AgentConfigError'
  readonly issues: readonly string[]

  constructor(issues: readonly string[]) {
    super(issues.join('\n'))
    this.issues = issues
  }
}

/** Keys of the configuration as flags say them; undefined ones were not given. */
export type AgentFlags = Readonly<Partial<Record<keyof z.input<typeof configSchema>, unknown>>>

/**
 * The configuration of a file, the environment and flags; the later of these wins, key by key.
 * @throws AgentConfigError
 */
export function loadAgentConfig(sources: {
  readonly file?: string
  readonly flags?: AgentFlags
  readonly environment: Readonly<Record<string, string | undefined>>
}): AgentConfig {
  const { file, flags = {}, environment } = sources
  return parseAgentConfig({
    name: file === undefined ? 'agent.yaml' : basename(file),
    text: file === undefined ? '' : read(file),
    flags,
    environment,
  })
}

/** @throws AgentConfigError */
export function parseAgentConfig(sources: {
  readonly name: string
  readonly text: string
  readonly flags: AgentFlags
  readonly environment: Readonly<Record<string, string | undefined>>
}): AgentConfig {
  const written = new Written(sources.name, sources.text)
  if (written.issues.length > 0) throw new AgentConfigError(written.issues)
  const places = new Map<string, string>()
  const value: Record<string, unknown> = { ...written.value }
  for (const [variable, key] of variables) {
    const text = sources.environment[variable]
    if (text === undefined) continue
    put(value, key, scalar(text))
    places.set(key.join('.'), variable)
  }
  for (const [key, given] of Object.entries(sources.flags)) {
    if (given === undefined) continue
    value[key] = given
    places.set(key, `--${flagOf(key)}`)
  }
  const result = configSchema.safeParse(value)
  if (result.success) return result.data
  throw new AgentConfigError(result.error.issues.flatMap((issue) => worded(issue, written, places)))
}

/** The file as written, with the place of each key. */
class Written {
  readonly name: string
  readonly issues: readonly string[]
  readonly value: Readonly<Record<string, unknown>>
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
    const value: unknown = issues.length === 0 ? unfolded(this.#document) : {}
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      issues.push(`${name}:1:1: write keys and values, one a line`)
    this.issues = issues
    // A record, as checked just above.
    this.value = issues.length === 0 ? (value as Record<string, unknown>) : {}
  }

  /** `file:line:column` of a key or element, or of the nearest above it that was written. */
  place(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offset(path.slice(0, length))
      if (offset !== undefined) return this.#at(offset)
    }
    return this.name
  }

  #offset(path: readonly PropertyKey[]): number | undefined {
    const above: unknown =
      path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true)
    if (isMap(above)) {
      const pair = above.items.find(({ key }) => isScalar(key) && key.value === path.at(-1))
      return isScalar(pair?.key) ? pair.key.range?.[0] : undefined
    }
    const node: unknown = this.#document.getIn(path, true)
    return isScalar(node) || isMap(node) ? node.range?.[0] : undefined
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset)
    return `${this.name}:${line}:${col}`
  }
}

/** Undefined for an alias without its anchor, or one that unfolds without end. */
function unfolded(document: Document.Parsed): unknown {
  try {
    return document.toJS() ?? {}
  } catch {
    return undefined
  }
}

function worded(issue: z.core.$ZodIssue, written: Written, places: ReadonlyMap<string, string>): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      const known = path.length === 1 ? `; known are ${Object.keys(configSchema.shape).join(', ')}` : ''
      return `${written.place(path)} ${dottedOf(path)}: unknown key${known}`
    })
  const dotted = dottedOf(issue.path)
  const message = firstLine(issue.message).replace(/^Invalid input: /, '')
  const elsewhere = places.get(dotted) ?? places.get(String(issue.path[0]))
  if (elsewhere !== undefined) return [`${elsewhere}: ${message}`]
  const place = written.place(issue.path)
  const key = String(issue.path[0])
  const fix =
    place === written.name ? ` (or use --${flagOf(key)}, or set ${variableOf(issue.path.map(String))})` : ''
  return [`${place} ${dotted}: ${message}${fix}`]
}

/** A key with those above it, on one line whatever it is made of. */
function dottedOf(path: readonly PropertyKey[]): string {
  return path
    .map(String)
    .join('.')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

/** `['stateDirectory']` is `SALLYPORT_AGENT_STATE_DIRECTORY`: with its own prefix, since `SALLYPORT_TOKEN` is a user's. */
function variableOf(path: readonly string[]): string {
  return `SALLYPORT_AGENT_${path.map((key) => key.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()).join('__')}`
}

const variables: ReadonlyMap<string, readonly string[]> = new Map(
  [...Object.keys(configSchema.shape).map((key) => [key]), ['log', 'level']].map((path) => [
    variableOf(path),
    path,
  ]),
)

/** `stateDirectory` is `--state-directory`; `--gateway` may be given more than once, as may `--allow`. */
function flagOf(key: string): string {
  return key === 'gateways' ? 'gateway' : key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function put(root: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = '', second] = path
  if (second === undefined) root[first] = value
  else {
    const inner = root[first]
    root[first] = { ...(typeof inner === 'object' && inner !== null ? inner : {}), [second]: value }
  }
}

/** Variables are read as YAML: numbers, `[a, b]`. */
function scalar(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return text
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
    throw new AgentConfigError([
      code === 'ENOENT' ? `${file}: there is no such file` : `${file}: it cannot be read (${String(code)})`,
    ])
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''
