import type { Column, Snapshot } from './snapshot.ts'

/** What a view's column derives from. */
export interface TracedColumn {
  readonly tags: readonly string[]
  /** The column that it is, under whatever name; undefined for what is computed. */
  readonly column: Column | undefined
}

/** Says which tags the columns of a view carry. A seam: the tracing of queries itself reads the catalogue. */
export interface ViewTracer {
  /** A definition's parse tree, for {@link ViewTracer.trace}; `undefined` where it does not parse. */
  parse(definition: string): unknown
  /** By position. `unknown`: any column may carry any tag. */
  trace(tree: unknown, snapshot: Snapshot): readonly TracedColumn[] | 'unknown'
  /** The statements of a function's body in SQL; `undefined` where it does not parse. */
  parseBody(body: string): Promise<unknown>
  /** What they do beyond reading, as actions. */
  conduct(statements: unknown, snapshot: Snapshot): readonly string[]
  /** A function that comes with the server under that name does more than compute. */
  hasEffect(functionName: string): boolean
  /** An operator of that sign may run where the sign does not stand. */
  mayBeHidden(sign: string): boolean
}
