import { Fault, type Authorization, type Refusal } from '@sallyport/core'
import type { Conversation, Outboxes, Side, Verdict } from '@sallyport/wire'
import {
  decodeCommandTag,
  decodeCopyResponse,
  decodeParameterStatus,
  decodeReady,
  decodeRowDescription,
} from '../codec/backend.ts'
import { flush, terminate } from '../codec/frontend.ts'
import { frameLength, headBytes, needsWhole, tag, wholeMessageBytes } from '../codec/tags.ts'
import type { PostgresOperation } from '../operations.ts'
import { wordError, wordNotice } from '../wording.ts'
import { Answers, outOfOrder } from './answers.ts'
import { Ledger } from './ledger.ts'
import type { ConversationParts } from './parts.ts'
import { Requests } from './requests.ts'

/**
 * A PostgreSQL session after its log-in: one rule a message. The server keeps the protocol's state, and we keep the queue
 * of answers that it owes.
 *
 * A refused operation is replaced by one that the server itself must reject, and its error is reworded: transaction
 * status, skipped pipelines and ReadyForQuery are then the server's own, and exact.
 */
export class PostgresConversation implements Conversation<PostgresOperation> {
  readonly headBytes = headBytes
  readonly #parts: ConversationParts
  readonly #ledger: Ledger
  readonly #requests: Requests
  readonly #answers: Answers

  constructor(parts: ConversationParts) {
    this.#parts = parts
    this.#ledger = new Ledger(parts)
    this.#requests = new Requests(parts, this.#ledger)
    this.#answers = new Answers(parts, this.#ledger)
  }

  /** Whether the server works on something that a cancel request could be meant for. */
  get isBusy(): boolean {
    return this.#ledger.owed.size > 0
  }

  /** Whether the server has answered everything, and is outside of a transaction. */
  get isIdle(): boolean {
    return this.#ledger.owed.size === 0 && !this.#ledger.isInTransaction
  }

  get owedAnswers(): number {
    return this.#ledger.owed.size
  }

  flush(out: Outboxes): void {
    out.server.put(flush)
  }

  settle(asked: PostgresOperation, authorization: Authorization, out: Outboxes): Verdict {
    return this.#requests.settle(asked, authorization, out)
  }

  /** The session is over: what still runs is lost to us. */
  abandon(): void {
    this.#ledger.abandon()
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
        ? this.#answers.rowMask() !== 'clear'
        : tagByte === tag.functionResult
          ? this.#answers.isMaskingFunction
          : tagByte === tag.copyData && this.#answers.isMaskingCopy
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
    if (this.#ledger.isSkipping && tagByte !== tag.sync && tagByte !== tag.terminate) return 'drop'
    if (this.#ledger.copyIn.isAsked && !feedsCopy.has(tagByte)) this.#ledger.copyIn.nothingToFeed()
    switch (tagByte) {
      case tag.query:
        return this.#requests.query(chunk, from, to, out)
      case tag.parse:
        return this.#requests.parse(chunk, from, to, out)
      case tag.bind:
        return this.#requests.bind(chunk, from, to, out)
      case tag.describe:
        return this.#requests.describe(chunk, from, to)
      case tag.execute:
        return this.#requests.execute(chunk, from, to, out)
      case tag.close:
        return this.#requests.close(chunk, from, to)
      case tag.sync:
        refuseBody(from, to)
        if (this.#ledger.copyIn.keepsSync()) return 'drop'
        this.#ledger.oweReady()
        return 'pass'
      case tag.flush:
        refuseBody(from, to)
        return 'pass'
      case tag.copyData:
        return 'pass'
      case tag.copyDone:
      case tag.copyFail:
        this.#ledger.copyIn.endSent()
        return 'pass'
      case tag.functionCall:
        return this.#requests.functionCall(chunk, from, to)
      case tag.terminate:
        refuseBody(from, to)
        this.#ledger.hasTerminated = true
        return 'pass'
      case tag.password:
        throw new Fault('client/out-of-order', 'a password message after the log-in')
      default:
        throw new Fault('client/malformed', `unknown message type 0x${tagByte.toString(16)}`)
    }
  }

  server(chunk: Buffer, from: number, to: number, length: number, out: Outboxes): Verdict {
    const tagByte = chunk[from]!
    switch (tagByte) {
      case tag.dataRow:
        return this.#answers.dataRow(chunk, from, to, length, out)
      case tag.copyData:
        return this.#answers.copyData(chunk, from, to, length, out)
      case tag.functionResult:
        return this.#answers.functionResult(chunk, from, to, length, out)
      case tag.commandComplete:
        return this.#answers.commandComplete(decodeCommandTag(chunk, from, to))
      case tag.emptyQuery:
        return this.#answers.commandComplete('')
      case tag.ready:
        return this.#answers.ready(decodeReady(chunk, from, to), out)
      case tag.rowDescription:
        return this.#answers.rowDescription(
          decodeRowDescription(chunk, from, to, this.#parts.encoding.current),
        )
      case tag.noData:
        return this.#answers.noData()
      case tag.parameterDescription:
        if (this.#ledger.owed.head?.kind !== 'describe-statement') throw outOfOrder(tagByte)
        return 'pass'
      case tag.parseComplete:
      case tag.bindComplete:
      case tag.closeComplete:
        return this.#answers.complete(tagByte)
      case tag.portalSuspended:
        return this.#answers.suspended()
      case tag.error:
        return this.#answers.error(chunk, from, to, out)
      case tag.notice:
        return this.#answers.notice(chunk, from, to, out)
      case tag.parameterStatus: {
        const { name, value } = decodeParameterStatus(chunk, from, to)
        this.#parts.setting(name, this.#parts.encoding.current.show(value))
        return 'pass'
      }
      case tag.notification:
        return 'pass'
      case tag.copyInResponse:
        return this.#answers.copyIn()
      case tag.copyOutResponse:
        return this.#answers.startCopyOut(decodeCopyResponse(chunk, from, to))
      case tag.copyDone:
        return this.#answers.endCopyOut(out)
      default:
        // Authentication, BackendKeyData, CopyBoth: nothing that we let through asks for them.
        throw outOfOrder(tagByte)
    }
  }

  notice(text: string): Buffer {
    return wordNotice(text, this.#parts.encoding.current)
  }

  farewell(cause: Fault | Refusal): { readonly client: Buffer; readonly server: Buffer } {
    const { sessionId, encoding } = this.#parts
    return { client: wordError('FATAL', cause, sessionId, encoding.current), server: terminate }
  }

  serverEnded(): Fault | undefined {
    if (this.#ledger.hasTerminated || this.#ledger.hasSeenFatal) return undefined
    return new Fault('target/closed', 'the target closed the connection')
  }
}

/** What a server that copies in reads. */
const feedsCopy: ReadonlySet<number> = new Set([
  tag.copyData,
  tag.copyDone,
  tag.copyFail,
  tag.flush,
  tag.sync,
])

/** @throws Fault where a message that says nothing says something */
function refuseBody(from: number, to: number): void {
  if (to - from > headBytes) throw new Fault('client/malformed', 'malformed protocol message: it has no body')
}
