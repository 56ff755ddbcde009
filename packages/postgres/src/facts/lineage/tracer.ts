import type { Node } from '@pgsql/types'
import type { Draft } from '../draft.ts'
import type { Names } from '../names.ts'
import { maxTreeDepth, TooDeep } from '../depth.ts'
import { traceExpression } from './expressions.ts'
import { merge, type Flow, type Rows, type Scope, type Tracing } from './flow.ts'
import { traceSelect } from './select.ts'
import { traceWrite } from './writes.ts'

/**
 * Follows tagged columns from tables to outputs, and notes in the draft what a statement exposes on the way. What cannot be
 * followed carries every tag that it may.
 *
 * Strict: a tagged value may only be shown, or pass through a function of the list of total ones. Lenient: it may also
 * be computed and compared with; the result is masked. In neither may it be written to where its tag is not.
 */
export class Tracer implements Tracing {
  readonly draft: Draft
  readonly names: Names
  readonly isStrict: boolean
  #depth = 0

  constructor(draft: Draft, names: Names, isStrict: boolean) {
    this.draft = draft
    this.names = names
    this.isStrict = isStrict
  }

  /** A whole statement. */
  statement(node: Node): Rows {
    return this.query(node, { ranges: [], outer: undefined, ctes: new Map() })
  }

  query(node: Node, outer: Scope): Rows {
    return this.#deeper(() =>
      'SelectStmt' in node ? traceSelect(this, node.SelectStmt, outer) : traceWrite(this, node, outer),
    )
  }

  expression(node: Node | undefined, scope: Scope): Flow {
    return this.#deeper(() => traceExpression(this, node, scope))
  }

  compute(flows: readonly Flow[]): Flow {
    const flow = merge(flows)
    if (this.isStrict) this.draft.expose(flow.tags)
    return flow
  }

  filter(flow: Flow): void {
    for (const source of flow.sources) this.draft.filtered.add(source)
    if (this.isStrict) this.draft.expose(flow.tags)
  }

  launder(flow: Flow): void {
    this.draft.expose(flow.tags)
  }

  #deeper<Result>(trace: () => Result): Result {
    if (this.#depth >= maxTreeDepth) throw new TooDeep()
    this.#depth++
    try {
      return trace()
    } finally {
      this.#depth--
    }
  }
}
