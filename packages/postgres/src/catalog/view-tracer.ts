import type { Snapshot } from './snapshot.ts'

/** Says which tags the columns of a view carry. A seam: the tracing of queries itself reads the catalogue. */
export interface ViewTracer {
  /** A definition's parse tree, for {@link ViewTracer.trace}; `undefined` where it does not parse. */
  parse(definition: string): unknown
  /** Tags by column position. `unknown`: any column may carry any tag. */
  trace(tree: unknown, snapshot: Snapshot): readonly (readonly string[])[] | 'unknown'
}
