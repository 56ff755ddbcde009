import { isUtf8 } from 'node:buffer'
import { Fault, refusal, type Authorization, type Outcome, type Permit, type Refusal } from '@sallyport/core'
import type { Conversation, Outboxes, Side, Verdict } from '@sallyport/wire'
import {
  decodeCommandTag,
  decodeCopyResponse,
  decodeErrorFields,
  decodeParameterStatus,
  decodeReady,
  decodeRowDescription,
  encodeCopyData,
  encodeDataRow,
  encodeErrorFields,
  rowsOf,
  type Field,
} from './codec/backend.ts'
import {
  callOfNoFunction,
  decodeBind,
  decodeExecute,
  decodeNamed,
  decodeParse,
  decodeQuery,
  encodeBareBind,
  encodeDescribePortal,
  encodeExecute,
  encodeQuery,
  flush,
  terminate,
} from './codec/frontend.ts'
import { frameLength, headBytes, needsWhole, tag, wholeMessageBytes } from './codec/tags.ts'
import { Expected } from './expected.ts'
import type { CopyMask, Diagnostics, Masks, RowMask } from './masks.ts'
import { Names } from './names.ts'
import { Run, type JudgedStatement, type PostgresOperation, type Prepared } from './operations.ts'
import type { SearchPath } from './search-path.ts'
import { wordError, wordNotice } from './wording.ts'

/** A portal that the client bound, with what its rows must go through. */
interface Portal {
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
type Owed = {
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

/** What a conversation is told about its session, and whom it tells. */
export interface ConversationParts {
  /** A random word that no client statement holds: what refused operations are replaced by. */
  readonly marker: string
  readonly sessionId: string
  readonly masks: Masks
  /** How error and notice texts reach the client, as the subject's masks stand now. */
  diagnostics(): Diagnostics
  /** Names that statements and cursors go by, shared with the judge. */
  readonly statements: Names<Prepared>
  readonly cursors: Names<Prepared>
  finish(permit: Permit, outcome: Outcome): void
  /** A setting that the server reports changed. @throws Fault where it must not */
  setting(name: string, value: string): void
  readonly searchPath: SearchPath
  /** A statement that may have changed the catalogue was done, or committed. */
  catalogChanged(): void
}

/**
 * A PostgreSQL session after its log-in. One rule a message; the server keeps the protocol's state, and we keep the queue
 * of answers that it owes.
 *
 * A refused operation is replaced by one that the server itself must reject, and its error is reworded: transaction
 * status, skipped pipelines and ReadyForQuery are then the server's own, and exact.
 */
export class PostgresConversation implements Conversation<PostgresOperation> {
  readonly headBytes = headBytes
  readonly #parts: ConversationParts
  readonly #owed = new Expected<Owed>()
  readonly #portals = new Names<Portal>()
  #copyOut: CopyMask | undefined
  #isCopyingIn = false
  #copyEnds = 0
  /** After an error in an extended query the server ignores everything up to the next Sync. */
  #isSkipping = false
  /** Bound and not yet run to the end. */
  readonly #openRuns = new Set<Run>()
  #hasChangedCatalog = false
  #hasTerminated = false
  #hasSeenFatal = false

  constructor(parts: ConversationParts) {
    this.#parts = parts
  }

  /** Whether the server works on something that a cancel request could be meant for. */
  get isBusy(): boolean {
    return this.#owed.size > 0
  }

  length(side: Side, chunk: Buffer, at: number): number {
    return frameLength(side, chunk, at)
  }

  // hot path: rows that nobody masks are judged by their head.
  needed(side: Side, chunk: Buffer, at: number, length: number): number {
    const tagByte = chunk[at]!
    if (needsWhole(side, tagByte)) return length
    if (side === 'client') return headBytes
    const isMasked =
      tagByte === tag.dataRow
        ? this.#rowMask() !== 'clear'
        : tagByte === tag.copyData && this.#copyOut !== undefined
    if (!isMasked) return headBytes
    if (length > wholeMessageBytes) {
      throw new Fault(
        'client/unsupported',
        `a row of ${length} bytes is larger than the ${wholeMessageBytes} that can be masked`,
      )
    }
    return length
  }

  client(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    const tagByte = chunk[from]!
    // The server would ignore these; leaving them out is the same to it, and needs no trust.
    if (this.#isSkipping && tagByte !== tag.sync && tagByte !== tag.terminate) return 'drop'
    switch (tagByte) {
      case tag.query:
        return this.#query(chunk, from, to, out)
      case tag.parse:
        return this.#parse(chunk, from, to, out)
      case tag.bind:
        return this.#bind(chunk, from, to, out)
      case tag.describe:
        return this.#describe(chunk, from, to)
      case tag.execute:
        return this.#execute(chunk, from, to, out)
      case tag.close:
        return this.#close(chunk, from, to)
      case tag.sync:
        // A server that copies in ignores Sync, for clients that sent it before they knew of the COPY.
        this.#nextSegment()
        if (!this.#isCopyingIn) this.#owed.push({ kind: 'sync', copyEnds: this.#copyEnds })
        this.#isSkipping = false
        return 'pass'
      case tag.flush:
        return 'pass'
      case tag.copyData:
        return 'pass'
      case tag.copyDone:
      case tag.copyFail:
        this.#copyEnds++
        this.#isCopyingIn = false
        return 'pass'
      case tag.functionCall:
        return this.#functionCall(out)
      case tag.terminate:
        this.#hasTerminated = true
        return 'pass'
      case tag.password:
        throw new Fault('client/out-of-order', 'a password message after the log-in')
      default:
        throw new Fault('client/malformed', `unknown message type 0x${tagByte.toString(16)}`)
    }
  }

  settle(asked: PostgresOperation, authorization: Authorization, out: Outboxes): Verdict {
    if (this.#isSkipping) {
      // The pipeline failed while this was judged: the server would ignore it, and so it does not happen.
      for (const statement of asked.judgement?.statements ?? []) this.#unname(statement)
      if (authorization.kind === 'permit') this.#finish(new Run(authorization, []), 'failed')
      return 'drop'
    }
    if (authorization.kind === 'refusal') {
      for (const statement of asked.judgement?.statements ?? []) this.#unname(statement)
      this.#refuse(asked, authorization, out)
      return 'drop'
    }
    const run = new Run(authorization, asked.judgement?.statements ?? [])
    for (const statement of run.statements) {
      for (const effect of statement.effects) if (effect.kind === 'search-path') this.#parts.searchPath.sent()
    }
    switch (asked.kind) {
      case 'query':
        this.#owed.push({ kind: 'query', run, mask: undefined, copyEnds: this.#copyEnds })
        return 'pass'
      case 'bind': {
        this.#openRuns.add(run)
        const portal: Portal = { run, mask: this.#needsMask(run) ? undefined : 'clear' }
        this.#portals.propose(asked.portal, portal)
        this.#owed.push({ kind: 'bind', name: asked.portal, portal })
        return 'pass'
      }
      case 'cursor':
        this.#openRuns.add(run)
        this.#executePortal(asked.portal, { run, mask: this.#needsMask(run) ? undefined : 'clear' }, out)
        return 'pass'
    }
  }

  server(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict {
    const tagByte = chunk[from]!
    switch (tagByte) {
      case tag.dataRow:
        return this.#dataRow(chunk, from, to, length, out)
      case tag.copyData:
        return this.#copyData(chunk, from, to, length, out)
      case tag.commandComplete:
        return this.#commandComplete(decodeCommandTag(chunk, from, to))
      case tag.emptyQuery:
        return this.#commandComplete('')
      case tag.ready:
        return this.#ready(decodeReady(chunk, from, to))
      case tag.rowDescription:
        return this.#rowDescription(decodeRowDescription(chunk, from, to))
      case tag.noData:
        return this.#noData()
      case tag.parameterDescription:
        if (this.#owed.head?.kind !== 'describe-statement') throw outOfOrder(tagByte)
        return 'pass'
      case tag.parseComplete:
      case tag.bindComplete:
      case tag.closeComplete:
        return this.#complete(tagByte)
      case tag.portalSuspended:
        if (this.#owed.pop()?.kind !== 'execute') throw outOfOrder(tagByte)
        return 'pass'
      case tag.error:
        return this.#error(chunk, from, to, out)
      case tag.notice:
        return this.#notice(chunk, from, to, out)
      case tag.parameterStatus: {
        const { name, value } = decodeParameterStatus(chunk, from, to)
        this.#parts.setting(name, value)
        return 'pass'
      }
      case tag.notification:
        return 'pass'
      case tag.copyInResponse:
        return this.#copyIn(tagByte)
      case tag.copyOutResponse:
        return this.#startCopyOut(decodeCopyResponse(chunk, from, to))
      case tag.copyDone:
        return this.#endCopyOut(out)
      default:
        // Authentication, BackendKeyData, CopyBoth, FunctionCallResponse: nothing that we let through asks for them.
        throw outOfOrder(tagByte)
    }
  }

  notice(text: string): Buffer {
    return wordNotice(text)
  }

  farewell(cause: Fault | Refusal): { readonly client: Buffer; readonly server: Buffer } {
    return { client: wordError('FATAL', cause, this.#parts.sessionId), server: terminate }
  }

  serverEnded(): Fault | undefined {
    if (this.#hasTerminated || this.#hasSeenFatal) return undefined
    return new Fault('target/closed', 'the target closed the connection')
  }

  /** The session is over: what still runs is lost to us. */
  abandon(): void {
    for (let owed = this.#owed.pop(); owed !== undefined; owed = this.#owed.pop()) {
      if (owed.kind === 'query') this.#finish(owed.run, 'lost')
    }
    for (const run of this.#openRuns) this.#finish(run, 'lost')
  }

  // — What clients say —

  #query(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    this.#nextSegment()
    const bytes = decodeQuery(chunk, from, to)
    if (!isUtf8(bytes)) {
      out.server.put(encodeQuery(this.#parts.marker))
      this.#owed.push({
        kind: 'query',
        run: undefined,
        mask: 'clear',
        refusal: invalidEncoding,
      })
      return 'drop'
    }
    return {
      kind: 'query',
      text: bytes.toString('utf8'),
      parameters: [],
      binding: nothingMore,
      judgement: undefined,
    }
  }

  /** Nothing runs on a Parse: its text is judged when it is bound, with its parameters. */
  #parse(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict {
    const { name, text, typeIds } = decodeParse(chunk, from, to)
    this.#refuseOwnNames(name)
    const prepared: Prepared = { text: isUtf8(text) ? text.toString('utf8') : '', typeIds }
    if (!isUtf8(text)) {
      out.server.put(encodeBareBind('', this.#parts.marker))
      this.#owed.push({ kind: 'parse', name, prepared, refusal: invalidEncoding })
      return 'drop'
    }
    this.#parts.statements.propose(name, prepared)
    this.#owed.push({ kind: 'parse', name, prepared })
    return 'pass'
  }

  #bind(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    const bind = decodeBind(chunk, from, to)
    this.#refuseOwnNames(bind.portal)
    this.#refuseOwnNames(bind.statement)
    const candidates = this.#parts.statements.candidates(bind.statement)
    if (candidates.length === 0 && bind.statement === '') {
      // Every unnamed statement came through here: the server has none either, and says so best itself.
      const portal: Portal = { run: undefined, mask: 'clear' }
      this.#portals.propose(bind.portal, portal)
      this.#owed.push({ kind: 'bind', name: bind.portal, portal })
      return 'pass'
    }
    if (candidates.length === 0) {
      this.#refuseBind(bind.portal, { missing: bind.statement }, out)
      return 'drop'
    }
    return {
      kind: 'bind',
      portal: bind.portal,
      text:
        candidates.length === 1
          ? candidates[0]!.text
          : candidates.map((candidate) => candidate.text).join(';\n'),
      candidates,
      parameters: bind.parameters,
      binding: () => candidates.map((candidate) => candidate.typeIds.join(',')),
      judgement: undefined,
    }
  }

  #describe(chunk: Buffer, from: number, to: number): Verdict {
    const { of, name } = decodeNamed(chunk, from, to)
    this.#refuseOwnNames(name)
    if (of === 'statement') this.#owed.push({ kind: 'describe-statement' })
    else this.#owed.push({ kind: 'describe-portal', portal: this.#portalFor(name), isOurs: false })
    return 'pass'
  }

  #execute(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | PostgresOperation {
    const { portal: name, maxRows } = decodeExecute(chunk, from, to)
    this.#refuseOwnNames(name)
    const portal = this.#portalFor(name)
    if (portal !== undefined) {
      this.#executePortal(name, portal, out)
      if (this.#parts.searchPath.isSettled) return 'pass'
      // Judgement waits for this statement's answer, which the server would keep back until the Sync behind it.
      out.server.put(encodeExecute(name, maxRows))
      out.server.put(flush)
      return 'drop'
    }
    const candidates = this.#parts.cursors.candidates(name)
    if (candidates.length === 0) {
      this.#refuseExecute({ missing: name }, out)
      return 'drop'
    }
    return {
      kind: 'cursor',
      portal: name,
      maxRows,
      text: `FETCH FROM "${name.replaceAll('"', '""')}"`,
      candidates,
      parameters: [],
      binding: () => [String(maxRows), ...candidates.map((candidate) => candidate.text)],
      judgement: undefined,
    }
  }

  #executePortal(name: string, portal: Portal, out: Outboxes): void {
    if (portal.mask === undefined) {
      // Masks go by the columns, and the client may not have asked for them: we do.
      out.server.put(encodeDescribePortal(name))
      this.#owed.push({ kind: 'describe-portal', portal, isOurs: true })
    }
    this.#owed.push({ kind: 'execute', portal, copyEnds: this.#copyEnds })
  }

  /** Where a name may be either of two portals, what is shown of it must be safe for both. */
  #portalFor(name: string): Portal | undefined {
    const candidates = this.#portals.candidates(name)
    if (candidates.length < 2) return candidates[0]
    const last = candidates.at(-1)!
    if (candidates.every((portal) => portal.mask === 'clear')) return last
    return { run: last.run, outputs: 'unknown', mask: undefined }
  }

  #close(chunk: Buffer, from: number, to: number): Verdict {
    const { of, name } = decodeNamed(chunk, from, to)
    this.#refuseOwnNames(name)
    this.#owed.push({ kind: 'close', of, name })
    return 'pass'
  }

  #functionCall(out: Outboxes): Verdict {
    out.server.put(callOfNoFunction)
    this.#owed.push({
      kind: 'function',
      refusal: refusal(
        'unsupported',
        'the function call message is not offered: call the function by SELECT',
        undefined,
      ),
    })
    return 'drop'
  }

  #refuse(asked: PostgresOperation, refused: Refusal, out: Outboxes): void {
    switch (asked.kind) {
      case 'query':
        out.server.put(encodeQuery(this.#parts.marker))
        this.#owed.push({
          kind: 'query',
          run: undefined,
          mask: 'clear',
          refusal: refused,
        })
        return
      case 'bind':
        return this.#refuseBind(asked.portal, { refusal: refused }, out)
      case 'cursor':
        return this.#refuseExecute({ refusal: refused }, out)
    }
  }

  #refuseBind(
    name: string,
    why: { readonly refusal: Refusal } | { readonly missing: string },
    out: Outboxes,
  ): void {
    out.server.put(encodeBareBind(name, this.#parts.marker))
    const portal: Portal = { run: undefined, mask: 'clear' }
    this.#portals.propose(name, portal)
    this.#owed.push({ kind: 'bind', name, portal, ...why })
  }

  #refuseExecute(why: { readonly refusal: Refusal } | { readonly missing: string }, out: Outboxes): void {
    out.server.put(encodeExecute(this.#parts.marker, 0))
    this.#owed.push({ kind: 'execute', portal: { run: undefined, mask: 'clear' }, ...why })
  }

  /** A client that could create the marker could turn our refusals into its own results. */
  #refuseOwnNames(name: string): void {
    if (name === this.#parts.marker) throw new Fault('client/malformed', 'this name is reserved')
  }

  // — What servers say —

  #rowMask(): RowMask | 'clear' {
    const head = this.#owed.head
    const mask = head?.kind === 'execute' ? head.portal.mask : head?.kind === 'query' ? head.mask : 'clear'
    // Rows before their description cannot be masked, and so cannot be shown.
    if (mask === undefined)
      throw new Fault('target/malformed', 'the target sent rows without their description')
    return mask
  }

  #dataRow(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict {
    const head = this.#owed.head
    const run = head?.kind === 'execute' ? head.portal.run : head?.kind === 'query' ? head.run : undefined
    if (run === undefined) throw outOfOrder(tag.dataRow)
    const mask = this.#rowMask()
    if (mask === 'clear') {
      run.sizeBytes += length
      return 'pass'
    }
    const masked = mask.apply(chunk.subarray(from + headBytes, to))
    run.sizeBytes += masked.bytes.length + headBytes
    run.maskedValues += masked.values
    run.mask = mask
    out.client.put(encodeDataRow(masked.bytes))
    return 'drop'
  }

  #rowDescription(fields: readonly Field[]): Verdict {
    const head = this.#owed.head
    switch (head?.kind) {
      case 'describe-statement':
        this.#owed.pop()
        return 'pass'
      case 'describe-portal':
        this.#owed.pop()
        if (head.portal !== undefined && head.portal.mask === undefined) {
          head.portal.mask = this.#maskFor(fields, head.portal.run, head.portal.outputs)
        }
        return head.isOurs ? 'drop' : 'pass'
      case 'query':
        if (head.run === undefined) throw outOfOrder(tag.rowDescription)
        head.mask = this.#maskFor(fields, head.run)
        return 'pass'
      default:
        throw outOfOrder(tag.rowDescription)
    }
  }

  #noData(): Verdict {
    const head = this.#owed.pop()
    if (head?.kind === 'describe-statement') return 'pass'
    if (head?.kind === 'describe-portal') return head.isOurs ? 'drop' : 'pass'
    throw outOfOrder(tag.noData)
  }

  #maskFor(fields: readonly Field[], run: Run | undefined, outputs?: 'unknown'): RowMask | 'clear' {
    if (run === undefined || !this.#needsMask(run)) return 'clear'
    const { maskedTags } = run.permit.obligations
    return (
      this.#parts.masks.rows(fields, outputs ?? run.statement?.outputs ?? 'unknown', maskedTags) ?? 'clear'
    )
  }

  #needsMask(run: Run): boolean {
    return run.permit.obligations.maskedTags.size > 0
  }

  #complete(tagByte: number): Verdict {
    const head = this.#owed.pop()
    if (tagByte === tag.parseComplete && head?.kind === 'parse')
      this.#parts.statements.confirm(head.name, head.prepared)
    else if (tagByte === tag.bindComplete && head?.kind === 'bind')
      this.#portals.confirm(head.name, head.portal)
    else if (tagByte === tag.closeComplete && head?.kind === 'close') this.#closed(head.of, head.name)
    else throw outOfOrder(tagByte)
    return 'pass'
  }

  #closed(of: 'statement' | 'portal', name: string): void {
    if (of === 'statement') return this.#parts.statements.drop(name)
    this.#portals.drop(name)
    this.#parts.cursors.drop(name)
  }

  #commandComplete(commandTag: string): Verdict {
    if (commandTag === 'ROLLBACK') this.#parts.searchPath.rolledBack()
    const head = this.#owed.head
    if (head?.kind === 'execute') {
      this.#owed.pop()
      const { run } = head.portal
      if (run === undefined) throw outOfOrder(tag.commandComplete)
      run.rows += rowsOf(commandTag)
      this.#applied(run)
      this.#finish(run, 'done')
      return 'pass'
    }
    if (head?.kind !== 'query' || head.run === undefined) throw outOfOrder(tag.commandComplete)
    head.run.rows += rowsOf(commandTag)
    this.#applied(head.run)
    head.mask = undefined
    return 'pass'
  }

  #ready(status: 'I' | 'T' | 'E'): Verdict {
    const head = this.#owed.pop()
    if (head?.kind !== 'query' && head?.kind !== 'sync' && head?.kind !== 'function')
      throw outOfOrder(tag.ready)
    if (head.kind === 'query') {
      this.#finish(head.run, head.run?.errorCode === undefined ? 'done' : 'failed')
      // A simple query destroys the unnamed statement and portal.
      this.#parts.statements.drop('')
      this.#portals.drop('')
    }
    this.#isCopyingIn = false
    if (status === 'I') {
      this.#portals.dropAll()
      for (const run of this.#openRuns) this.#finish(run, 'done')
      this.#parts.searchPath.transactionEnded()
      // Now others can see it too: the side connection that reads the catalogue among them.
      if (this.#hasChangedCatalog) this.#parts.catalogChanged()
      this.#hasChangedCatalog = false
    }
    return 'pass'
  }

  #error(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict {
    const fields = decodeErrorFields(chunk, from, to)
    const severity = fields.get('V') ?? fields.get('S')
    if (severity === 'FATAL' || severity === 'PANIC') {
      this.#hasSeenFatal = true
      return this.#putDiagnostic('error', fields, out)
    }
    const head = this.#owed.head
    if (head === undefined) throw outOfOrder(tag.error)
    this.#parts.searchPath.rolledBack()
    this.#isCopyingIn = false
    this.#copyOut = undefined
    this.#failed(head, fields.get('C') ?? 'XX000')
    if (head.kind !== 'query' && head.kind !== 'sync' && head.kind !== 'function') this.#skipToSync()
    if (head.missing !== undefined)
      fields.set('M', fields.get('M')?.replace(this.#parts.marker, head.missing) ?? '')
    if (head.missing !== undefined && this.#parts.diagnostics() === 'clear') {
      out.client.put(encodeErrorFields('error', fields))
      return 'drop'
    }
    if (head.refusal !== undefined) {
      out.client.put(wordError('ERROR', head.refusal, this.#parts.sessionId))
      return 'drop'
    }
    return this.#putDiagnostic('error', fields, out)
  }

  #failed(head: Owed, code: string): void {
    const run =
      head.kind === 'query'
        ? head.run
        : head.kind === 'execute' || head.kind === 'bind'
          ? head.portal.run
          : undefined
    if (run !== undefined) run.errorCode = code
    if (head.kind !== 'query') this.#finish(run, code === '57014' ? 'cancelled' : 'failed')
  }

  /** The server answers nothing more before the next Sync: what was sent until then has not happened. */
  #skipToSync(): void {
    for (let owed = this.#owed.head; owed !== undefined && owed.kind !== 'sync'; owed = this.#owed.head) {
      this.#owed.pop()
      if (owed.kind === 'parse') this.#parts.statements.reject(owed.name, owed.prepared)
      if (owed.kind === 'bind') {
        this.#portals.reject(owed.name, owed.portal)
        this.#finish(owed.portal.run, 'failed')
      }
      if (owed.kind === 'query') this.#finish(owed.run, 'failed')
    }
    this.#isSkipping = this.#owed.size === 0
  }

  #notice(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict {
    if (this.#parts.diagnostics() === 'clear') return 'pass'
    return this.#putDiagnostic('notice', decodeErrorFields(chunk, from, to), out)
  }

  #putDiagnostic(kind: 'error' | 'notice', fields: ReadonlyMap<string, string>, out: Outboxes): Verdict {
    const diagnostics = this.#parts.diagnostics()
    const isComplete = kind === 'notice' || /^[0-9A-Z]{5}$/.test(fields.get('C') ?? '')
    if (diagnostics === 'clear' && isComplete) return 'pass'
    const whole = isComplete ? fields : new Map([...fields, ['C', 'XX000']])
    out.client.put(encodeErrorFields(kind, diagnostics === 'clear' ? whole : diagnostics(whole)))
    return 'drop'
  }

  // — COPY —

  #copyIn(tagByte: number): Verdict {
    const head = this.#owed.head
    if (head?.kind !== 'query' && head?.kind !== 'execute') throw outOfOrder(tagByte)
    this.#isCopyingIn = head.copyEnds === this.#copyEnds
    // Syncs that were sent before the copy's end will be ignored by the server.
    this.#owed.remove((owed) => owed.kind === 'sync' && owed.copyEnds === head.copyEnds)
    return 'pass'
  }

  #startCopyOut(response: { readonly format: number; readonly columns: number }): Verdict {
    const head = this.#owed.head
    if (head?.kind !== 'query' && head?.kind !== 'execute') throw outOfOrder(tag.copyOutResponse)
    const run = head.kind === 'query' ? head.run : head.portal.run
    if (run === undefined) throw outOfOrder(tag.copyOutResponse)
    this.#copyOut = this.#needsMask(run)
      ? this.#parts.masks.copy(run.statement?.copy, response, run.permit.obligations.maskedTags)
      : undefined
    return 'pass'
  }

  #copyRun(): Run {
    const head = this.#owed.head
    const run = head?.kind === 'query' ? head.run : head?.kind === 'execute' ? head.portal.run : undefined
    if (run === undefined) throw outOfOrder(tag.copyData)
    return run
  }

  #copyData(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict {
    const run = this.#copyRun()
    if (this.#copyOut === undefined) {
      run.sizeBytes += length
      return 'pass'
    }
    this.#putCopied(run, this.#copyOut.push(chunk.subarray(from + headBytes, to)), out)
    return 'drop'
  }

  #endCopyOut(out: Outboxes): Verdict {
    const run = this.#copyRun()
    const mask = this.#copyOut
    if (mask !== undefined) {
      this.#putCopied(run, mask.end(), out)
      run.maskedValues += mask.maskedValues
      run.mask = mask
      this.#copyOut = undefined
    }
    return 'pass'
  }

  #putCopied(run: Run, bytes: Buffer, out: Outboxes): void {
    if (bytes.length === 0) return
    run.sizeBytes += bytes.length + headBytes
    out.client.put(encodeCopyData(bytes))
  }

  // — Bookkeeping —

  #nextSegment(): void {
    this.#parts.statements.nextSegment()
    this.#parts.cursors.nextSegment()
    this.#portals.nextSegment()
  }

  /** The target has done the next statement of a run. */
  #applied(run: Run): void {
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
          this.#hasChangedCatalog = true
          this.#parts.catalogChanged()
          break
      }
    }
  }

  /** Names that were proposed for a statement that did not happen. */
  #unname(statement: JudgedStatement): void {
    for (const effect of statement.effects) {
      if (effect.kind === 'prepare') this.#parts.statements.reject(effect.name, effect.prepared)
      if (effect.kind === 'declare') this.#parts.cursors.reject(effect.name, effect.prepared)
    }
  }

  #finish(run: Run | undefined, status: Outcome['status']): void {
    if (run === undefined || run.isFinished) return
    run.isFinished = true
    this.#openRuns.delete(run)
    for (const statement of run.statements.slice(run.done)) {
      this.#unname(statement)
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
}

const invalidEncoding = refusal(
  'unparsed',
  'the statement is not valid UTF-8',
  'Set client_encoding to UTF8.',
)

const nothingMore = (): readonly string[] => []

function outOfOrder(tagByte: number): Fault {
  return new Fault(
    'target/malformed',
    `the target sent message type "${String.fromCharCode(tagByte)}" out of order`,
  )
}
