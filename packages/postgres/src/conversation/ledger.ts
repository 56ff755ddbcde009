import { isRefusal, type Outcome, type Permit, type Refusal } from '@sallyport/core'
import { CopyIn } from './copy-in.ts'
import { Expected } from './expected.ts'
import { OpenRuns } from './open-runs.ts'
import { boundPortal, endsAtReady, type Owed, type Portal } from './owed.ts'
import type { ConversationParts } from './parts.ts'
import { Run, type JudgedStatement, type PostgresOperation, type Prepared } from '../operations.ts'
import type { PathSegment } from '../search-path.ts'

/**
 * What both sides of a conversation know of it: the answers owed, the portals, and what runs. Everything that a client
 * was promised, and that a failure takes back, is settled here.
 */
export class Ledger {
  readonly owed = new Expected<Owed>()
  /** The COPY that the client may feed. */
  readonly copyIn = new CopyIn()
  /** After an error in an extended query the server ignores everything up to the next Sync. */
  isSkipping = false
  isInTransaction = false
  hasChangedCatalog = false
  hasTerminated = false
  hasSeenFatal = false
  readonly #parts: ConversationParts
  /** Bound and not yet run to the end. */
  readonly #openRuns = new OpenRuns()

  constructor(parts: ConversationParts) {
    this.#parts = parts
  }

  /** An operation that may run. Those of the extended protocol stay open until their portal is done. */
  begin(asked: PostgresOperation, permit: Permit): Run {
    const run = new Run(permit, asked.judgement?.statements ?? [], asked.judgement?.facts ?? [])
    if (!endsAtReady(asked)) this.#openRuns.add(run)
    return run
  }

  /** It is sent to be run. @returns where its change of the search_path counts, if it may be one */
  sent(run: Run): PathSegment | undefined {
    const { searchPath, statements, portals, encoding } = this.#parts
    let mayChangePath = false
    for (const { effects } of run.statements) {
      for (const effect of effects) {
        const { kind } = effect
        if (kind === 'search-path') mayChangePath = true
        if (kind === 'transaction-end' || kind === 'rollback-to') mayChangePath ||= !searchPath.isFirm
        if (kind === 'opaque') {
          portals.nextEra()
          encoding.doubt()
        }
        if (kind === 'prepare' && !run.isSent) statements.propose(effect.name, effect.prepared, false)
        if (kind === 'declare' && !run.isSent) portals.propose(effect.name, effect.cursor, false)
      }
    }
    run.isSent = true
    return mayChangePath ? searchPath.sent() : undefined
  }

  /** The transaction is over, and with it every portal. */
  transactionEnded(): void {
    this.#parts.portals.transactionEnded()
    this.#finishOpen('done')
    this.#parts.searchPath.transactionEnded()
    // Now others can see it too: the side connection that reads the catalogue among them.
    if (this.hasChangedCatalog) this.#parts.catalogChanged()
    this.hasChangedCatalog = false
  }

  /** A message is sent that the server answers by ReadyForQuery. */
  segmentSent(): PathSegment | undefined {
    this.#parts.encoding.segmentSent()
    return this.#parts.searchPath.segmentSent()
  }

  nextSegment(): void {
    this.#parts.statements.nextSegment()
    this.#parts.portals.nextSegment()
  }

  /** The target has done the next statement of a run. */
  applied(run: Run): void {
    const { statements, portals, searchPath } = this.#parts
    const statement = run.statements[run.done++]
    if (statement === undefined) return
    for (const effect of statement.effects) {
      switch (effect.kind) {
        case 'prepare':
          statements.confirm(effect.name, effect.prepared)
          break
        case 'declare':
          portals.confirm(effect.name, effect.cursor)
          break
        case 'deallocate':
          if (effect.name === undefined) statements.dropWhere(isNamed)
          else statements.drop(effect.name)
          break
        case 'close-cursor':
          if (effect.name === undefined) portals.dropAll()
          else portals.drop(effect.name)
          break
        case 'discard-all':
          statements.dropWhere(isNamed)
          portals.dropAll()
          break
        case 'search-path':
          if (effect.isUncertain === true) searchPath.doubt(effect.isLocal)
          else searchPath.applied(effect.value, effect.isLocal)
          break
        case 'transaction-end':
          searchPath.transactionEnded()
          break
        case 'savepoint':
          searchPath.savepoint(effect.name)
          break
        case 'release':
          searchPath.released(effect.name)
          break
        case 'rollback-to':
          searchPath.rolledBackToSavepoint(effect.name)
          break
        case 'opaque':
        case 'client-encoding':
          break
        case 'ddl':
          this.hasChangedCatalog = true
          this.#parts.catalogChanged()
          break
      }
    }
  }

  /** The target has run a part of a statement, and may run the rest. */
  suspended(run: Run): void {
    run.isUnderWay = true
    for (const effect of run.statement?.effects ?? [])
      if (effect.kind === 'search-path') this.#parts.searchPath.doubt(effect.isLocal)
  }

  /** Names that were proposed for a statement that did not happen. */
  #unname(statement: JudgedStatement): void {
    for (const effect of statement.effects) {
      if (effect.kind === 'prepare') this.#parts.statements.reject(effect.name, effect.prepared)
      if (effect.kind === 'declare') this.#parts.portals.reject(effect.name, effect.cursor)
    }
  }

  /** An Execute was answered, or will not be. */
  answered(owed: Owed): void {
    if (owed.kind === 'execute' && owed.changesPath !== undefined)
      this.#parts.searchPath.answered(owed.changesPath)
  }

  finish(run: Run | undefined, status: Outcome['status']): void {
    if (run === undefined || run.isFinished) return
    run.isFinished = true
    this.#openRuns.remove(run)
    for (let i = run.done; i < run.statements.length; i++) this.#unname(run.statements[i]!)
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

  /**
   * The server answers nothing more before the next Sync: what was sent until then has not happened.
   * @returns whether the client sent a Sync that was kept back
   */
  skipToSync(): boolean {
    let hasKeptSync = false
    for (let owed = this.owed.head; owed !== undefined && owed.kind !== 'sync'; owed = this.owed.head) {
      this.owed.pop()
      this.answered(owed)
      hasKeptSync ||= this.copyIn.ended(owed)
      if (owed.kind === 'parse') this.#parts.statements.reject(owed.name, owed.prepared)
      if (owed.kind === 'bind') {
        this.#parts.portals.reject(owed.name, owed.portal)
        this.finish(owed.portal.run, 'failed')
      }
      if (endsAtReady(owed)) this.finish(owed.run, 'failed')
    }
    this.isSkipping = this.owed.size === 0
    return hasKeptSync
  }

  /** A message is sent that the server answers by ReadyForQuery, and nothing else. */
  oweReady(): void {
    this.nextSegment()
    this.owed.push({ kind: 'sync', pathSegment: this.segmentSent() })
    this.isSkipping = false
  }

  failed(head: Owed, code: string): void {
    const run = endsAtReady(head)
      ? head.run
      : head.kind === 'execute' || head.kind === 'bind'
        ? head.portal.run
        : undefined
    if (run !== undefined) run.errorCode = code
    if (!endsAtReady(head)) this.finish(run, code === '57014' ? 'cancelled' : 'failed')
  }

  /** Where a name may be any of several portals, what is shown of it must be safe for all. */
  portalFor(candidates: readonly Portal[], isCertain: boolean): Portal {
    const last = candidates.at(-1)!
    if (candidates.length === 1 && isCertain) return last
    if (candidates.every(({ run }) => run === undefined || !this.needsMask(run))) return last
    return { ...boundPortal(last.run, undefined), outputs: 'unknown' }
  }

  /** Whether what these portals were bound to do may still be done. hot path. */
  stand(portals: readonly Portal[]): boolean {
    for (const { run } of portals)
      if (run !== undefined && !run.isFinished && !this.#parts.stands(run.permit, run.facts)) return false
    return true
  }

  /** Whether what these portals look up when they run is what they were judged by. hot path. */
  areAsJudged(portals: readonly Portal[]): boolean {
    for (const { run } of portals) if (run !== undefined && !this.#isAsJudged(run)) return false
    return true
  }

  #isAsJudged(run: Run): boolean {
    const late = run.statement?.late
    if (late === undefined || run.isUnderWay) return true
    const { searchPath, statements, portals } = this.#parts
    if (!searchPath.isSettled || !isSamePath(searchPath.current(), late.searchPath)) return false
    return late.names.every((one) =>
      one.kind === 'statement'
        ? statements.candidates(one.name).every((meaning) => one.judged.includes(meaning))
        : portals.era === one.era &&
          portals.candidates(one.name).every((meaning) => one.judged.includes(meaning)),
    )
  }

  needsMask(run: Run): boolean {
    return run.permit.obligations.maskedTags.size > 0
  }

  /** The session is over: what still runs is lost to us. */
  abandon(): void {
    for (let owed = this.owed.pop(); owed !== undefined; owed = this.owed.pop()) {
      if (endsAtReady(owed)) this.finish(owed.run, 'lost')
    }
    this.#finishOpen('lost')
  }

  #finishOpen(status: Outcome['status']): void {
    for (const run of this.#openRuns.all()) this.finish(run, status)
  }
}

const isNamed = (_: Prepared, name: string): boolean => name !== ''

function isSamePath(current: readonly string[] | Refusal, judged: readonly string[]): boolean {
  if (isRefusal(current)) return false
  return (
    current === judged || (current.length === judged.length && current.every((name, i) => name === judged[i]))
  )
}
