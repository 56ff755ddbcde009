import type { BlastRadius, Facts, Ground, Operation, Parameter, Permit } from '@sallyport/core'
import type { Callee } from './callees.ts'
import type { CopyAnalysis, InnerStatement, StatementAnalysis } from './facts/analysis.ts'

/** What the name of a prepared statement stands for. Judged whenever it is used: names in it mean what they mean then. */
export interface Prepared {
  readonly text: string
  readonly typeIds: readonly number[]
  /** By PREPARE: which statement of the text it is. */
  readonly at?: number
}

/** A cursor that SQL declared. Its statement was planned then, and means what it meant. */
export interface Cursor {
  readonly kind: 'cursor'
  readonly text: string
  readonly inner: InnerStatement
  readonly isHoldable: boolean
  /** @see Portals */
  era: number
}

/** A portal that the client bound. */
export interface BoundPortal {
  readonly kind: 'bound'
  /** @see Portals */
  era: number
}

/** What the name of a portal may stand for. Cursors of functions are not known. */
export type Opened = Cursor | BoundPortal

/** What a statement changes about the session, once the server says that it is done. */
export type Effect =
  | { readonly kind: 'prepare'; readonly name: string; readonly prepared: Prepared }
  | { readonly kind: 'declare'; readonly name: string; readonly cursor: Cursor }
  /** Without a name: all of them. */
  | { readonly kind: 'deallocate' | 'close-cursor'; readonly name?: string }
  | { readonly kind: 'discard-all' }
  /** Without a value: back to the default. Uncertain: it may not come to that, or to another value. */
  | {
      readonly kind: 'search-path'
      readonly value: string | undefined
      readonly isLocal: boolean
      readonly isUncertain?: boolean
    }
  /** Without a value: back to that of the log-in. */
  | { readonly kind: 'client-encoding'; readonly value: string | undefined; readonly isLocal: boolean }
  | { readonly kind: 'transaction-end'; readonly isRollback: boolean }
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string }
  /** It runs code that may close and open cursors. */
  | { readonly kind: 'opaque' }
  /** The catalogue is no longer what it was. */
  | { readonly kind: 'ddl' }

/** What a statement looks up when it runs, after it was judged. */
export interface Late {
  readonly searchPath: readonly string[]
  /** Names of statements and portals, with all that they were judged as. */
  readonly names: readonly LateName[]
}

export type LateName =
  | { readonly kind: 'statement'; readonly name: string; readonly judged: readonly Prepared[] }
  | {
      readonly kind: 'portal'
      readonly name: string
      readonly judged: readonly Opened[]
      readonly era: number
    }

/** One statement of an operation, with every name in it resolved. */
export interface JudgedStatement {
  /** `untainted`: which columns there are cannot be told, but none of them carries a tag. */
  readonly outputs: StatementAnalysis['outputs'] | 'untainted'
  readonly copy: CopyAnalysis | undefined
  readonly effects: readonly Effect[]
  /** Absent for what is planned when it is bound. */
  readonly late?: Late
}

/** What the classifier made of an operation. */
export interface Judgement {
  readonly facts: readonly Facts[]
  readonly statements: readonly JudgedStatement[]
}

interface Asked extends Operation {
  /** Set by the judge, before authorization. */
  judgement: Judgement | undefined
  /** As soon as it was judged. */
  ground?: Ground
  blastRadius?: (this: PostgresOperation, signal: AbortSignal) => Promise<BlastRadius>
}

export interface QueryOperation extends Asked {
  readonly kind: 'query'
}

/** A Bind: parameters are known here, and plans are made from here on, so this is where an extended query is judged. */
export interface BindOperation extends Asked {
  readonly kind: 'bind'
  readonly portal: string
  readonly candidates: readonly Prepared[]
  readonly parameters: readonly Parameter[]
}

/** An Execute of a cursor that SQL declared: no Bind came before it. */
export interface CursorOperation extends Asked {
  readonly kind: 'cursor'
  readonly portal: string
  readonly maxRows: number
  readonly candidates: readonly Cursor[]
  /** It is one of the candidates. */
  readonly isCertain: boolean
}

/** An Execute of a portal whose names or path were changed after its Bind: what it looks up now is judged. */
export interface LateOperation extends Asked {
  readonly kind: 'late'
  readonly portal: BoundPortal
  readonly name: string
  readonly maxRows: number
  readonly candidates: readonly Prepared[]
}

/** A function called by its OID. */
export interface FunctionOperation extends Asked {
  readonly kind: 'function'
  /** Undefined for one that is not offered so. */
  readonly callee: Callee | undefined
  readonly resultFormat: number
}

export type PostgresOperation =
  | QueryOperation
  | BindOperation
  | CursorOperation
  | LateOperation
  | FunctionOperation

/** A permitted operation while the target works on it. */
export class Run {
  readonly permit: Permit
  readonly statements: readonly JudgedStatement[]
  /** What it was permitted for. */
  readonly facts: readonly Facts[]
  /** How many of the statements the target has done. */
  done = 0
  rows = 0
  sizeBytes = 0
  maskedValues = 0
  /** What its rows went through last. */
  mask: { readonly columns: readonly string[] } | undefined
  errorCode: string | undefined
  isFinished = false
  isSent = false
  /** The target has given a part of its rows: it looks up nothing more. */
  isUnderWay = false
  /** Its place among those that are open. */
  place = 0

  constructor(permit: Permit, statements: readonly JudgedStatement[], facts: readonly Facts[]) {
    this.permit = permit
    this.statements = statements
    this.facts = facts
  }

  get statement(): JudgedStatement | undefined {
    return this.statements[this.done]
  }
}
