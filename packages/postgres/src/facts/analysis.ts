import type { Facts, Masking, Refusal } from '@sallyport/core'
import type { Catalog } from '../catalog/catalog.ts'
import type { Column } from '../catalog/snapshot.ts'

/** Everything beside its text that decides what a statement means. */
export interface AnalysisContext {
  readonly catalog: Catalog
  readonly database: string
  /** Schemas in order, `$user` already replaced; `pg_temp` and `pg_catalog` are implied where they are not named. */
  readonly searchPath: readonly string[]
  /** Compared by identity: pass the same object while nothing changes. */
  readonly masking: Masking
}

export interface Analysis {
  /** One per statement, in order; none for a text without statements. */
  readonly facts: readonly Facts[]
  /** Beside `facts`, one each. */
  readonly statements: readonly StatementAnalysis[]
  /** The text may not be forwarded, whatever policy says: `too-complex`, `unsupported`. */
  readonly refusal?: Refusal
}

export interface StatementAnalysis {
  /** `select`, `update`, `create_table`, `copy_to`…; `unparsed`. */
  readonly kind: string
  /**
   * `none`: it returns no rows. `unknown`: rows whose columns cannot be told from the text; each of them may carry
   * any of {@link StatementAnalysis.tags}.
   */
  readonly outputs: readonly OutputColumn[] | 'unknown' | 'none'
  /** Every tag that any output may carry. */
  readonly tags: readonly string[]
  /** Where the statement enters COPY with the client. */
  readonly copy?: CopyAnalysis
  /** What it does to the session, for its bookkeeping, in order. */
  readonly effects: readonly SessionEffect[]
}

export interface OutputColumn {
  readonly name: string
  /** Tags of the columns that it derives from. */
  readonly tags: readonly string[]
  /** The bare column that it is, under whatever alias: a redactor may keep a part. Undefined for what is computed: it is hidden whole. */
  readonly column: Column | undefined
}

/** @see https://www.postgresql.org/docs/18/sql-copy.html */
export interface CopyAnalysis {
  /** `out`: rows to the client. */
  readonly direction: 'out' | 'in'
  readonly format: 'text' | 'csv' | 'binary'
  /** One byte. */
  readonly delimiter: string
  readonly nullText: string
  readonly quote: string
  readonly escape: string
  readonly hasHeader: boolean
  /** Of its rows, by the server's name; absent where it is the session's. */
  readonly encoding?: string
  /** CSV columns quoted whatever they hold. */
  readonly forceQuote: 'all' | readonly string[]
  /** What the columns are, as for rows; empty for `in`. */
  readonly outputs: readonly OutputColumn[] | 'unknown'
}

/** A statement inside another: prepared, or under a cursor. */
export interface InnerStatement {
  readonly facts: Facts
  readonly statement: StatementAnalysis
}

/**
 * What the session must remember. For `execute` and `fetch` the text does not say what runs: the caller adds the
 * facts and, where `outputs` is `unknown`, the outputs of the statement of that name; an unknown name is refused.
 */
export type SessionEffect =
  | { readonly kind: 'prepare'; readonly name: string; readonly inner: InnerStatement }
  | { readonly kind: 'execute'; readonly name: string }
  /** Without `name`: all of them. */
  | { readonly kind: 'deallocate'; readonly name?: string }
  | {
      readonly kind: 'declare'
      readonly cursor: string
      readonly isBinary: boolean
      /** Lives on after its transaction. */
      readonly isHoldable: boolean
      readonly inner: InnerStatement
    }
  | { readonly kind: 'fetch'; readonly cursor: string; readonly isMove: boolean }
  /** Without `cursor`: all of them. */
  | { readonly kind: 'close-cursor'; readonly cursor?: string }
  | { readonly kind: 'discard'; readonly what: 'all' | 'plans' | 'sequences' | 'temporary' }
  /** Without `value`: back to the default. Uncertain: it may not come to that, or the text does not tell to what. */
  | {
      readonly kind: 'set'
      readonly name: string
      readonly value?: string
      readonly isLocal: boolean
      readonly isUncertain?: boolean
    }
  | { readonly kind: 'reset-all' }
  /** The catalogue may have changed. */
  | { readonly kind: 'ddl' }
  /** It runs code that is not known, which may open and close cursors. */
  | { readonly kind: 'opaque' }
  | {
      readonly kind: 'transaction'
      readonly step: 'begin' | 'commit' | 'rollback' | 'two-phase'
    }
  | {
      readonly kind: 'transaction'
      readonly step: 'savepoint' | 'release' | 'rollback-to'
      /** Of the savepoint. */
      readonly name: string
    }
