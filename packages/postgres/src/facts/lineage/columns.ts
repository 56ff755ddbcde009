import type { Node } from '@pgsql/types'
import { namesOf, words } from '../names.ts'
import {
  merge,
  nothing,
  tainted,
  type Flow,
  type Range,
  type Rows,
  type Scope,
  type Tracing,
} from './flow.ts'

/** A reference to a column, or to a whole row by the name of its table. */
export function traceColumn(tracing: Tracing, fields: readonly Node[] | undefined, scope: Scope): Flow {
  const name = words(fields)
  const flow = findColumn(tracing, name, scope) ?? everything(scope)
  for (const source of flow.sources) tracing.draft.columns.add(source)
  return flow
}

/** Undefined where no table in sight has it. */
export function findColumn(tracing: Tracing, name: readonly string[], scope: Scope): Flow | undefined {
  const column = name.at(-1) ?? ''
  if (name.length > 1) return findQualified(tracing, name, column, scope)
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const found = here.ranges.flatMap((range) => columnOf(range, column) ?? [])
    if (found.length > 0) return found.length === 1 ? found[0] : merge(found)
    const unknown = here.ranges.filter((range) => range.columns === undefined)
    if (unknown.length > 0) {
      const beyond = here.outer === undefined ? undefined : findColumn(tracing, name, here.outer)
      // Where none of them has it, it may still be a row of that name, in sight before these.
      const row = findRow(column, scope)
      return merge([...unknown.map((range) => range.all), beyond ?? nothing, row ?? nothing])
    }
  }
  return findRow(column, scope) ?? (systemColumns.has(column) ? nothing : undefined)
}

function findQualified(
  tracing: Tracing,
  name: readonly string[],
  column: string,
  scope: Scope,
): Flow | undefined {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const found = here.ranges.filter((range) => isNamed(range, name))
    if (found.length === 0) continue
    const flows = found.map((range) => partOf(tracing, range, column))
    return flows.length === 1 ? flows[0] : merge(flows)
  }
  return undefined
}

/** `table.f`, which may also call a function on the row. A query may call a column of its own `xmin`. */
function partOf(tracing: Tracing, rows: Rows, name: string): Flow {
  const flow = columnOf(rows, name)
  if (flow !== undefined) return flow
  if (rows.columns !== undefined && systemColumns.has(name)) return nothing
  return callOn(tracing, rows.all, name)
}

/** `row.f` where no column is called `f`: what somebody's function of that name may give, which may be anything. */
export function callOn(tracing: Tracing, row: Flow, name: string): Flow {
  const located = tracing.names.function([name])
  if (located.isBuiltin || located.schemas.includes('?')) return row
  tracing.draft.calls(namesOf(located), tracing.names.conductOf(located), tracing.names.databasePath)
  return merge([row, tainted(tracing.names.snapshot.allTags)])
}

/** A whole row: `c` in `FROM customers c`. */
function findRow(alias: string, scope: Scope): Flow | undefined {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const found = here.ranges.filter((range) => range.alias === alias)
    if (found.length > 0) return merge(found.map((range) => range.all))
  }
  return undefined
}

/** The rows behind `t` in `t.*`, `(t).*` and `(t).column`. */
export function findRange(name: readonly string[], scope: Scope): Range | undefined {
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer) {
    const found = here.ranges.find((range) => isNamed(range, [...name, '*']))
    if (found !== undefined) return found
  }
  return undefined
}

export function columnOf(rows: Rows, name: string): Flow | undefined {
  const found = rows.columns?.filter((column) => column.name === name) ?? []
  if (found.length === 0) return undefined
  return found.length === 1 ? found[0]?.flow : merge(found.map((column) => column.flow))
}

/** A name that nothing in sight has: the server will say so, unless it knows better than we do. */
function everything(scope: Scope): Flow {
  const flows: Flow[] = []
  for (let here: Scope | undefined = scope; here !== undefined; here = here.outer)
    for (const { all } of here.ranges) flows.push(all)
  return merge(flows)
}

function isNamed(range: Range, name: readonly string[]): boolean {
  if (name.at(-2) !== range.alias) return false
  return name.length < 3 || name.at(-3) === range.schema
}

/** @see https://www.postgresql.org/docs/18/ddl-system-columns.html */
const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'])
