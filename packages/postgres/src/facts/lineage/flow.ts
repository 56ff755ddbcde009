import type { Node } from '@pgsql/types'
import type { Column } from '../../catalog/snapshot.ts'
import type { Draft } from '../draft.ts'
import type { Names } from '../names.ts'

/** What a value derives from. */
export interface Flow {
  readonly tags: readonly string[]
  /** `schema.table.column` of what it is made of, as far as it is known. */
  readonly sources: readonly string[]
  /** The bare column that it is; undefined for what is computed. */
  readonly column: Column | undefined
}

export const nothing: Flow = { tags: [], sources: [], column: undefined }

export interface Output {
  readonly name: string
  readonly flow: Flow
}

/** What a FROM item, a query or a relation yields. */
export interface Rows {
  /** `undefined` where number or names of the columns are not known; then {@link Rows.all} says what any may carry. */
  readonly columns: readonly Output[] | undefined
  /** The row as a whole. */
  readonly all: Flow
}

/** Rows under a name that columns can be asked of. */
export interface Range extends Rows {
  readonly alias: string
  /** Where the table was named without an alias: `schema.table.column` means it too. */
  readonly schema?: string
}

export interface Scope {
  /** FROM items so far: a LATERAL item sees those before it. */
  readonly ranges: Range[]
  /** The query around, for correlated sub-selects. */
  readonly outer: Scope | undefined
  readonly ctes: Ctes
}

/** What a WITH clause named. */
export interface Ctes {
  get(name: string): Rows | undefined
}

/** What the parts of the tracer need of each other. */
export interface Tracing {
  readonly names: Names
  readonly draft: Draft
  readonly isStrict: boolean
  expression(node: Node | undefined, scope: Scope): Flow
  query(node: Node, outer: Scope): Rows
  /** Values that something is computed from in ways that masking the result cannot hide. */
  compute(flows: readonly Flow[]): Flow
  /** Values that decide which rows are seen, or in what order. */
  filter(flow: Flow): void
  /** Values that go where no mask follows them. */
  launder(flow: Flow): void
}

export function merge(flows: readonly Flow[]): Flow {
  const parts = flows.filter((flow) => flow.tags.length > 0 || flow.sources.length > 0)
  if (parts.length === 0) return nothing
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return derived(first)
  return {
    tags: [...new Set(parts.flatMap((flow) => flow.tags))],
    sources: [...new Set(parts.flatMap((flow) => flow.sources))],
    column: undefined,
  }
}

/** The same value, no longer as the column it was. */
export function derived(flow: Flow): Flow {
  return flow.column === undefined ? flow : { ...flow, column: undefined }
}

export function tainted(tags: readonly string[]): Flow {
  return tags.length === 0 ? nothing : { tags, sources: [], column: undefined }
}

export function rowsOf(columns: readonly Output[]): Rows {
  return { columns, all: merge(columns.map((column) => column.flow)) }
}

/** Column aliases: `AS t(a, b)` renames as many as it names. */
export function renamed(rows: Rows, names: readonly string[]): Rows {
  if (names.length === 0 || rows.columns === undefined) return rows
  return {
    columns: rows.columns.map(({ name, flow }, position) => ({ name: names[position] ?? name, flow })),
    all: rows.all,
  }
}

export function range(alias: string, rows: Rows, schema?: string): Range {
  return schema === undefined ? { alias, ...rows } : { alias, schema, ...rows }
}
