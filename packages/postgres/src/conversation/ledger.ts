import type { Outcome, Permit, Refusal } from '@sallyport/core'
import { Expected } from './expected.ts'
import type { RowMask } from '../masks.ts'
import type { ConversationParts } from './parts.ts'
import { Names } from '../names.ts'
import { Run, type JudgedStatement, type PostgresOperation, type Prepared } from '../operations.ts'

/** A portal that the client bound, with what its rows must go through. */
export interface Portal {
  readonly run: Run | undefined
  /** What its rows may carry, where that is less certain than its statement says. */
  readonly outputs?: 'unknown'
  /** Undefined until its columns are known; `clear` where nothing is masked. */
  mask: RowMask | 'clear' | undefined
}

/**
 * An answer that the server owes. `refusal`: it was sent a substitute that must fail, and its error becomes ours.
 * `missing`: it was sent one since nobody made that name, and its error shall name it.
 */
export type Owed = {
  readonly refusal?: Refusal
  readonly missing?: string
  /** How many CopyDone and CopyFail the client had sent before it. */
  readonly copyEnds?: number
} & (
  | { readonly kind: 'parse'; readonly name: string; readonly prepared: Prepared }
  | { readonly kind: 'bind'; readonly name: string; readonly portal: Portal }
  | { readonly kind: 'describe-statement' }
  | { readonly kind: 'describe-portal'; readonly portal: Portal | undefined; readonly isOurs: boolean }
  | { readonly kind: 'execute'; readonly portal: Portal }
  | { readonly kind: 'close'; readonly of: 'statement' | 'portal'; readonly name: string }
  | { readonly kind: 'query'; readonly run: Run | undefined; mask: RowMask | 'clear' | undefined }
  | { readonly kind: 'function' }
  | { readonly kind: 'sync' }
)

/**
 * What both sides of a conversation know of it: the answers owed, the portals, and what runs. Everything that a client
 * was promised, and that a failure takes back, is settled here.
 */
export class Ledger {
  readonly owed = new Expected<Owed>()
  readonly portals = new Names<Portal>()
  /** After an error in an extended query the server ignores everything up to the next Sync. */
  isSkipping = false
  isCopyingIn = false
  /** CopyDone and CopyFail that the client has sent. */
  copyEnds = 0
  hasChangedCatalog = false
  hasTerminated = false
  hasSeenFatal = false
  readonly #parts: ConversationParts
  /** Bound and not yet run to the end. */
  readonly #openRuns = new Set<Run>()

  constructor(parts: ConversationParts) {
    this.#parts = parts
  }

  /** An operation that may run. Those of the extended protocol stay open until their portal is done. */
  begin(asked: PostgresOperation, permit: Permit): Run {
    const run = new Run(permit, asked.judgement?.statements ?? [])
    for (const statement of run.statements) {
      for (const effect of statement.effects) if (effect.kind === 'search-path') this.#parts.searchPath.sent()
    }
    if (asked.kind !== 'query') this.#openRuns.add(run)
    return run
  }

  /** The transaction is over, and with it every portal. */
  transactionEnded(): void {
    this.portals.dropAll()
    for (const run of this.#openRuns) this.finish(run, 'done')
    this.#parts.searchPath.transactionEnded()
    // Now others can see it too: the side connection that reads the catalogue among them.
    if (this.hasChangedCatalog) this.#parts.catalogChanged()
    this.hasChangedCatalog = false
  }

  nextSegment(): void {
    this.#parts.statements.nextSegment()
    this.#parts.cursors.nextSegment()
    this.portals.nextSegment()
  }

  /** The target has done the next statement of a run. */
  applied(run: Run): void {
    const { statements, cursors } = this.#parts
    const statement = run.statements[run.done++]
    if (statement === undefined) return
    for (const effect of statement.effects) {
      switch (effect.kind) {
        case 'prepare':
          statements.confirm(effect.name, effect.prepared)
          break
        case 'declare':
          cursors.confirm(effect.name, effect.prepared)
          break
        case 'deallocate':
          if (effect.name === undefined) statements.dropAll()
          else statements.drop(effect.name)
          break
        case 'close-cursor':
          if (effect.name === undefined) cursors.dropAll()
          else cursors.drop(effect.name)
          break
        case 'discard-all':
          statements.dropAll()
          cursors.dropAll()
          break
        case 'search-path':
          this.#parts.searchPath.applied(effect.value, effect.isLocal)
          break
        case 'rollback-to':
          this.#parts.searchPath.rolledBackToSavepoint()
          break
        case 'ddl':
          this.hasChangedCatalog = true
          this.#parts.catalogChanged()
          break
      }
    }
  }

  /** Names that were proposed for a statement that did not happen. */
  unname(statement: JudgedStatement): void {
    for (const effect of statement.effects) {
      if (effect.kind === 'prepare') this.#parts.statements.reject(effect.name, effect.prepared)
      if (effect.kind === 'declare') this.#parts.cursors.reject(effect.name, effect.prepared)
    }
  }

  finish(run: Run | undefined, status: Outcome['status']): void {
    if (run === undefined || run.isFinished) return
    run.isFinished = true
    this.#openRuns.delete(run)
    for (const statement of run.statements.slice(run.done)) {
      this.unname(statement)
      for (const effect of statement.effects)
        if (effect.kind === 'search-path') this.#parts.searchPath.undone()
    }
    const { rows, sizeBytes, maskedValues, errorCode } = run
    const how = status === 'failed' && errorCode === '57014' ? 'cancelled' : status
    this.#parts.finish(run.permit, {
      status: how,
      rows,
      sizeBytes,
      maskedValues,
      maskedColumns: run.mask?.columns ?? [],
      ...(errorCode === undefined ? {} : { errorCode }),
    })
  }

  /** The server answers nothing more before the next Sync: what was sent until then has not happened. */
  skipToSync(): void {
    for (let owed = this.owed.head; owed !== undefined && owed.kind !== 'sync'; owed = this.owed.head) {
      this.owed.pop()
      if (owed.kind === 'parse') this.#parts.statements.reject(owed.name, owed.prepared)
      if (owed.kind === 'bind') {
        this.portals.reject(owed.name, owed.portal)
        this.finish(owed.portal.run, 'failed')
      }
      if (owed.kind === 'query') this.finish(owed.run, 'failed')
    }
    this.isSkipping = this.owed.size === 0
  }

  failed(head: Owed, code: string): void {
    const run =
      head.kind === 'query'
        ? head.run
        : head.kind === 'execute' || head.kind === 'bind'
          ? head.portal.run
          : undefined
    if (run !== undefined) run.errorCode = code
    if (head.kind !== 'query') this.finish(run, code === '57014' ? 'cancelled' : 'failed')
  }

  /** Where a name may be either of two portals, what is shown of it must be safe for both. */
  portalFor(name: string): Portal | undefined {
    const candidates = this.portals.candidates(name)
    if (candidates.length < 2) return candidates[0]
    const last = candidates.at(-1)!
    if (candidates.every((portal) => portal.mask === 'clear')) return last
    return { run: last.run, outputs: 'unknown', mask: undefined }
  }

  needsMask(run: Run): boolean {
    return run.permit.obligations.maskedTags.size > 0
  }

  /** The session is over: what still runs is lost to us. */
  abandon(): void {
    for (let owed = this.owed.pop(); owed !== undefined; owed = this.owed.pop()) {
      if (owed.kind === 'query') this.finish(owed.run, 'lost')
    }
    for (const run of this.#openRuns) this.finish(run, 'lost')
  }
}
