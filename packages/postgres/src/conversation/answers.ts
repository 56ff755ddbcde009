import { Fault } from '@sallyport/core'
import { Outbox, type Outboxes, type Verdict } from '@sallyport/wire'
import {
  decodeErrorFields,
  encodeErrorFields,
  functionResultOfRow,
  rowOfFunctionResult,
  rowsOf,
  type Field,
} from '../codec/backend.ts'
import { sync } from '../codec/frontend.ts'
import { tag } from '../codec/tags.ts'
import type { CopyMask, RowMask } from '../masks.ts'
import type { Run } from '../operations.ts'
import { wordError } from '../wording.ts'
import { copiesIn } from './copy-in.ts'
import type { Ledger } from './ledger.ts'
import type { ConversationParts } from './parts.ts'

/**
 * What servers say: each answer against the one that is owed, rows and errors through their masks. What is owed is taken off
 * only by the answer that fits: else its operation would be forgotten when the session ends for it.
 */
export class Answers {
  readonly #parts: ConversationParts
  readonly #ledger: Ledger
  #copyOut: CopyMask | undefined

  constructor(parts: ConversationParts, ledger: Ledger) {
    this.#parts = parts
    this.#ledger = ledger
  }

  /** Whether rows copied out are rewritten. */
  get isMaskingCopy(): boolean {
    return this.#copyOut !== undefined
  }

  /** Whether the result of a function call may be rewritten. */
  get isMaskingFunction(): boolean {
    const { head } = this.#ledger.owed
    return head?.kind === 'function' && head.mask !== 'clear'
  }

  rowMask(): RowMask | 'clear' {
    const head = this.#ledger.owed.head
    const mask = head?.kind === 'execute' ? head.portal.mask : head?.kind === 'query' ? head.mask : 'clear'
    // Rows before their description cannot be masked, and so cannot be shown.
    if (mask === undefined)
      throw new Fault('target/malformed', 'the target sent rows without their description')
    return mask
  }

  dataRow(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict {
    const head = this.#ledger.owed.head
    const run = head?.kind === 'execute' ? head.portal.run : head?.kind === 'query' ? head.run : undefined
    if (run === undefined) throw outOfOrder(tag.dataRow)
    const mask = this.rowMask()
    if (mask === 'clear') {
      run.sizeBytes += length
      return 'pass'
    }
    run.mask = mask
    const before = mask.maskedValues
    const size = mask.rewrite(chunk, from, to, out.client)
    run.maskedValues += mask.maskedValues - before
    run.sizeBytes += size === 'as-is' ? length : size
    return size === 'as-is' ? 'pass' : 'drop'
  }

  functionResult(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict {
    const { head } = this.#ledger.owed
    if (head?.kind !== 'function' || head.run === undefined || head.run.done > 0)
      throw outOfOrder(tag.functionResult)
    const { run, mask } = head
    run.rows++
    this.#ledger.applied(run)
    const masked = mask === 'clear' ? 'as-is' : rewriteResult(mask, chunk, from, to)
    run.sizeBytes += masked === 'as-is' ? length : masked.length
    if (mask === 'clear' || masked === 'as-is') return 'pass'
    run.mask = mask
    run.maskedValues += mask.maskedValues
    out.client.put(masked)
    return 'drop'
  }

  rowDescription(fields: readonly Field[]): Verdict {
    const head = this.#ledger.owed.head
    switch (head?.kind) {
      case 'describe-statement':
        this.#ledger.owed.pop()
        return 'pass'
      case 'describe-portal':
        this.#ledger.owed.pop()
        if (head.portal !== undefined && head.portal.mask === undefined) {
          head.portal.mask = this.#maskFor(fields, head.portal.run, head.portal.outputs)
        }
        return head.isOurs ? 'drop' : 'pass'
      case 'query':
        if (head.run === undefined) throw outOfOrder(tag.rowDescription)
        head.mask = this.#maskFor(fields, head.run, undefined)
        return 'pass'
      default:
        throw outOfOrder(tag.rowDescription)
    }
  }

  noData(): Verdict {
    const head = this.#ledger.owed.head
    if (head?.kind !== 'describe-statement' && head?.kind !== 'describe-portal') throw outOfOrder(tag.noData)
    this.#ledger.owed.pop()
    return head.kind === 'describe-portal' && head.isOurs ? 'drop' : 'pass'
  }

  #maskFor(
    fields: readonly Field[],
    run: Run | undefined,
    outputs: 'unknown' | undefined,
  ): RowMask | 'clear' {
    if (run === undefined || !this.#ledger.needsMask(run)) return 'clear'
    const { maskedTags } = run.permit.obligations
    return (
      this.#parts.masks.rows(fields, outputs ?? run.statement?.outputs ?? 'unknown', maskedTags) ?? 'clear'
    )
  }

  complete(tagByte: number): Verdict {
    const head = this.#ledger.owed.head
    if (tagByte === tag.parseComplete && head?.kind === 'parse')
      this.#parts.statements.confirm(head.name, head.prepared)
    else if (tagByte === tag.bindComplete && head?.kind === 'bind')
      this.#parts.portals.confirm(head.name, head.portal)
    else if (tagByte === tag.closeComplete && head?.kind === 'close') this.#closed(head.of, head.name)
    else throw outOfOrder(tagByte)
    this.#ledger.owed.pop()
    return head.kind === 'close' && head.isOurs ? 'drop' : 'pass'
  }

  #closed(of: 'statement' | 'portal', name: string): void {
    if (of === 'statement') return this.#parts.statements.drop(name)
    this.#parts.portals.drop(name)
  }

  commandComplete(commandTag: string): Verdict {
    if (commandTag === 'ROLLBACK') this.#parts.searchPath.rolledBack()
    const head = this.#ledger.owed.head
    if (head?.kind === 'execute') {
      this.#ledger.owed.pop()
      const { run } = head.portal
      if (run === undefined) throw outOfOrder(tag.commandComplete)
      run.rows += rowsOf(commandTag)
      this.#ledger.applied(run)
      this.#ledger.answered(head)
      this.#ledger.copyIn.ended(head)
      this.#ledger.finish(run, 'done')
      return 'pass'
    }
    if (head?.kind !== 'query' || head.run === undefined) throw outOfOrder(tag.commandComplete)
    head.run.rows += rowsOf(commandTag)
    this.#ledger.applied(head.run)
    head.mask = undefined
    return 'pass'
  }

  suspended(): Verdict {
    const head = this.#ledger.owed.head
    if (head?.kind !== 'execute') throw outOfOrder(tag.portalSuspended)
    this.#ledger.owed.pop()
    if (head.portal.run !== undefined) this.#ledger.suspended(head.portal.run)
    this.#ledger.answered(head)
    return 'pass'
  }

  ready(status: 'I' | 'T' | 'E', out: Outboxes): Verdict {
    const head = this.#ledger.owed.head
    if (head?.kind !== 'query' && head?.kind !== 'sync' && head?.kind !== 'function')
      throw outOfOrder(tag.ready)
    this.#ledger.owed.pop()
    if (head.kind !== 'sync')
      this.#ledger.finish(head.run, head.run?.errorCode === undefined ? 'done' : 'failed')
    if (head.kind === 'query') {
      // A simple query destroys the unnamed statement and portal.
      this.#parts.statements.drop('')
      this.#parts.portals.drop('')
    }
    this.#ledger.isInTransaction = status !== 'I'
    if (status === 'I') this.#ledger.transactionEnded()
    this.#parts.encoding.segmentAnswered()
    this.#parts.searchPath.segmentEnded(head.pathSegment)
    if (this.#ledger.copyIn.ended(head)) this.#sendSync(out)
    return 'pass'
  }

  /** One that was kept back while the server might have ignored it. */
  #sendSync(out: Outboxes): void {
    out.server.put(sync)
    this.#ledger.oweReady()
  }

  error(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict {
    const { current: encoding } = this.#parts.encoding
    const fields = decodeErrorFields(chunk, from, to, encoding)
    const severity = fields.get('V') ?? fields.get('S')
    if (severity === 'FATAL' || severity === 'PANIC') {
      this.#ledger.hasSeenFatal = true
      return this.#putDiagnostic('error', fields, out)
    }
    const head = this.#ledger.owed.head
    if (head === undefined) throw outOfOrder(tag.error)
    this.#parts.searchPath.rolledBack()
    this.#copyOut = undefined
    this.#ledger.failed(head, fields.get('C') ?? 'XX000')
    if (head.kind !== 'query' && head.kind !== 'sync' && head.kind !== 'function') {
      if (this.#ledger.skipToSync()) this.#sendSync(out)
    }
    const { missing } = head
    if (missing !== undefined)
      fields.set('M', fields.get('M')?.replace(this.#parts.marker, () => missing) ?? '')
    if (head.missing !== undefined && this.#parts.diagnostics() === 'clear') {
      out.client.put(encodeErrorFields('error', fields, encoding))
      return 'drop'
    }
    if (head.refusal !== undefined) {
      out.client.put(wordError('ERROR', head.refusal, this.#parts.sessionId, encoding))
      return 'drop'
    }
    return this.#putDiagnostic('error', fields, out)
  }

  notice(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict {
    if (this.#parts.diagnostics() === 'clear') return 'pass'
    const { current: encoding } = this.#parts.encoding
    return this.#putDiagnostic('notice', decodeErrorFields(chunk, from, to, encoding), out)
  }

  #putDiagnostic(kind: 'error' | 'notice', fields: ReadonlyMap<string, string>, out: Outboxes): Verdict {
    const diagnostics = this.#parts.diagnostics()
    const isComplete = kind === 'notice' || /^[0-9A-Z]{5}$/.test(fields.get('C') ?? '')
    if (diagnostics === 'clear' && isComplete) return 'pass'
    const whole = isComplete ? fields : new Map([...fields, ['C', 'XX000']])
    const shown = diagnostics === 'clear' ? whole : diagnostics(whole)
    out.client.put(encodeErrorFields(kind, shown, this.#parts.encoding.current))
    return 'drop'
  }

  copyIn(): Verdict {
    const head = this.#ledger.owed.head
    const run = head?.kind === 'query' ? head.run : head?.kind === 'execute' ? head.portal.run : undefined
    if (head === undefined || run === undefined) throw outOfOrder(tag.copyInResponse)
    // Syncs behind a COPY that was not foreseen would be miscounted.
    if (!run.statements.some(copiesIn)) throw outOfOrder(tag.copyInResponse)
    this.#ledger.copyIn.begun(head)
    return 'pass'
  }

  startCopyOut(response: { readonly format: number; readonly columns: number }): Verdict {
    const head = this.#ledger.owed.head
    if (head?.kind !== 'query' && head?.kind !== 'execute') throw outOfOrder(tag.copyOutResponse)
    const run = head.kind === 'query' ? head.run : head.portal.run
    if (run === undefined) throw outOfOrder(tag.copyOutResponse)
    this.#copyOut = this.#ledger.needsMask(run)
      ? this.#parts.masks.copy(run.statement?.copy, response, run.permit.obligations.maskedTags)
      : undefined
    return 'pass'
  }

  #copyRun(): Run {
    const head = this.#ledger.owed.head
    const run = head?.kind === 'query' ? head.run : head?.kind === 'execute' ? head.portal.run : undefined
    if (run === undefined) throw outOfOrder(tag.copyData)
    return run
  }

  copyData(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict {
    const run = this.#copyRun()
    if (this.#copyOut === undefined) {
      run.sizeBytes += length
      return 'pass'
    }
    const copied = this.#copyOut.push(chunk, from, to, out.client)
    run.sizeBytes += copied === 'as-is' ? length : copied
    return copied === 'as-is' ? 'pass' : 'drop'
  }

  endCopyOut(out: Outboxes): Verdict {
    const run = this.#copyRun()
    const mask = this.#copyOut
    if (mask !== undefined) {
      run.sizeBytes += mask.end(out.client)
      run.maskedValues += mask.maskedValues
      run.mask = mask
      this.#copyOut = undefined
    }
    return 'pass'
  }
}

/** A function's result is masked as a row that has nothing else. */
function rewriteResult(mask: RowMask, chunk: Buffer, from: number, to: number): Buffer | 'as-is' {
  const row = rowOfFunctionResult(chunk, from, to)
  const rewritten = new Outbox()
  return mask.rewrite(row, 0, row.length, rewritten) === 'as-is'
    ? 'as-is'
    : functionResultOfRow(rewritten.take())
}

export function outOfOrder(tagByte: number): Fault {
  return new Fault(
    'target/malformed',
    `the target sent message type "${String.fromCharCode(tagByte)}" out of order`,
  )
}
