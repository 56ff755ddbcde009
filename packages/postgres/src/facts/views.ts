import type { Node } from '@pgsql/types'
import type { TracedColumn, ViewTracer } from '../catalog/view-tracer.ts'
import type { Snapshot } from '../catalog/snapshot.ts'
import { Draft } from './draft.ts'
import { Tracer } from './lineage/tracer.ts'
import { Names } from './names.ts'
import type { Parser } from './parser.ts'

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
  }
}

function traceView(tree: Node, snapshot: Snapshot): readonly TracedColumn[] | 'unknown' {
  const tracer = new Tracer(new Draft(), new Names(snapshot, '', ['pg_catalog']), false)
  const rows = tracer.statement(tree)
  if (rows.columns !== undefined) return rows.columns.map((column) => column.flow)
  return rows.all.tags.length === 0 ? [] : 'unknown'
}
