import type { Facts, Operation, Parameter, Permit } from '@sallyport/core'
import type { CopyAnalysis, InnerStatement, StatementAnalysis } from './facts/analysis.ts'

/** What a prepared statement or cursor name stands for: text to be judged (Parse), or what an SQL statement already was judged to be. */
export interface Prepared {
  readonly text: string
  readonly typeIds: readonly number[]
  /** For PREPARE and DECLARE: the statement inside. */
  readonly inner?: InnerStatement
}

/** What a statement changes about the session, once the server says that it is done. */
export type Effect =
  | { readonly kind: 'prepare' | 'declare'; readonly name: string; readonly prepared: Prepared }
  /** Without a name: all of them. */
  | { readonly kind: 'deallocate' | 'close-cursor'; readonly name?: string }
  | { readonly kind: 'discard-all' }
  /** Without a value: back to the default. */
  | { readonly kind: 'search-path'; readonly value: string | undefined; readonly isLocal: boolean }
  | { readonly kind: 'rollback-to' }
  /** The catalogue is no longer what it was. */
  | { readonly kind: 'ddl' }

/** One statement of an operation, with every name in it resolved. */
export interface JudgedStatement {
  /** `untainted`: which columns there are cannot be told, but none of them carries a tag. */
  readonly outputs: StatementAnalysis['outputs'] | 'untainted'
  readonly copy: CopyAnalysis | undefined
  readonly effects: readonly Effect[]
}

/** What the classifier made of an operation. */
export interface Judgement {
  readonly facts: readonly Facts[]
  readonly statements: readonly JudgedStatement[]
}

interface Asked extends Operation {
  /** Set by the judge, before authorization. */
  judgement: Judgement | undefined
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
  readonly candidates: readonly Prepared[]
}

export type PostgresOperation = QueryOperation | BindOperation | CursorOperation

/** A permitted operation while the target works on it. */
export class Run {
  readonly permit: Permit
  readonly statements: readonly JudgedStatement[]
  /** How many of the statements the target has done. */
  done = 0
  rows = 0
  sizeBytes = 0
  maskedValues = 0
  /** What its rows went through last. */
  mask: { readonly columns: readonly string[] } | undefined
  errorCode: string | undefined
  isFinished = false

  constructor(permit: Permit, statements: readonly JudgedStatement[]) {
    this.permit = permit
    this.statements = statements
  }

  get statement(): JudgedStatement | undefined {
    return this.statements[this.done]
  }
}
