import type { Node } from '@pgsql/types'
import type { TracedColumn, ViewTracer } from '../catalog/view-tracer.ts'
import { anySchema, type Snapshot } from '../catalog/snapshot.ts'
import { Draft } from './draft.ts'
import { effectOf } from './functions.ts'
import { Tracer } from './lineage/tracer.ts'
import { Names } from './names.ts'
import { hiddenOperators } from './operators.ts'
import type { Parser } from './parser.ts'
import { analyseStatement } from './statement.ts'

/** Traces the columns of views by their definitions, which come with every name qualified. */
export function viewTracer(parser: Parser): ViewTracer {
  return {
    async parse(definition) {
      const outcome = await parser.parse(definition)
      return outcome.kind === 'tree' && outcome.statements.length === 1 ? outcome.statements[0] : undefined
    },
    trace(tree, snapshot) {
      try {
        return traceView(tree as Node, snapshot) // made by `parse` above
      } catch {
        return 'unknown' // too deep
      }
    },
    async parseBody(body) {
      const outcome = await parser.parse(statementsOf(body))
      return outcome.kind === 'tree' ? outcome.statements : undefined
    },
    conduct(statements, snapshot) {
      if (statements === undefined) return ['call']
      try {
        return conductOf(statements as readonly Node[], snapshot) // made by `parseBody` above
      } catch {
        return ['call'] // too deep
      }
    },
    hasEffect: (functionName) => effectOf(functionName) !== undefined,
    mayBeHidden: (sign) => hiddenOperators.has(sign),
  }
}

/** A body as it is kept, or as the server prints one that was parsed when it was made. */
function statementsOf(body: string): string {
  const atomic = /^\s*BEGIN ATOMIC\s(.*)END\s*$/s.exec(body)
  if (atomic !== null) return atomic[1] ?? ''
  return body.replace(/^\s*RETURN\s/, 'SELECT ')
}

/** Which path it runs with is not known: a name means all that it may mean. */
function conductOf(statements: readonly Node[], snapshot: Snapshot): readonly string[] {
  const lens = { names: new Names(snapshot, '', ['pg_catalog', anySchema]), isStrict: false }
  const draft = new Draft()
  for (const statement of statements) analyseStatement(statement, draft, lens)
  if (draft.refusal !== undefined) draft.actions.add('admin')
  return [...draft.actions].filter((action) => action !== 'read').toSorted()
}

function traceView(tree: Node, snapshot: Snapshot): readonly TracedColumn[] | 'unknown' {
  const tracer = new Tracer(new Draft(), new Names(snapshot, '', ['pg_catalog']), false)
  const rows = tracer.statement(tree)
  if (rows.columns !== undefined) return rows.columns.map((column) => column.flow)
  return rows.all.tags.length === 0 ? [] : 'unknown'
}
