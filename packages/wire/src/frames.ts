import type { Operation } from '@sallyport/core'
import {
  fewOwedAnswers,
  mostOwedAnswers,
  type Conversation,
  type Outboxes,
  type Side,
  type Verdict,
} from './conversation.ts'
import type { Outbox } from './outbox.ts'
import { Rest } from './rest.ts'

/**
 * Cuts one side's byte stream into frames and applies the conversation's verdicts. Sans-IO.
 * hot path: a whole frame in the chunk costs three calls and no allocation; a frame cut by a chunk's end is joined only
 * as far as its judgement needs.
 */
export class Frames<Asked extends Operation> {
  readonly #side: Side
  readonly #conversation: Conversation<Asked>
  readonly #out: Outboxes
  readonly #onward: Outbox
  /** Bytes not yet judged: the start of a frame that is not all here, or all that waits behind a held one. */
  readonly #rest = new Rest()
  /** How much must be gathered before judging goes on. */
  #wanted = 0
  /** What is still to come of the frame judged last. */
  #tailLength = 0
  #tailVerdict: Verdict = 'pass'
  #held: { readonly asked: Asked; readonly length: number } | undefined

  #isAhead = false

  constructor(side: Side, conversation: Conversation<Asked>, out: Outboxes) {
    this.#side = side
    this.#conversation = conversation
    this.#out = out
    this.#onward = side === 'client' ? out.server : out.client
  }

  /** Whether part of a passed frame has left and the rest has not: nothing may be put in between. */
  get isMidFrame(): boolean {
    return this.#tailLength > 0 && this.#tailVerdict === 'pass'
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  /** Whether the client is so far ahead of the answers that nothing is judged until {@link catchUp}. */
  get isAhead(): boolean {
    return this.#isAhead
  }

  /** Bytes kept for later: an incomplete frame, or what waits behind a held one or for answers. */
  get waitingBytes(): number {
    return this.#rest.length
  }

  /** Feeds a chunk. @returns the operation to ask about, if one stands in the way: call {@link release} when it is settled. */
  push(chunk: Buffer): Asked | undefined {
    if (this.#held !== undefined || this.#isAhead) {
      this.#rest.keep(chunk)
      return undefined
    }
    let from = 0
    while (from < chunk.length) {
      if (this.#tailLength > 0) {
        const end = Math.min(from + this.#tailLength, chunk.length)
        if (this.#tailVerdict === 'pass') this.#onward.pass(chunk, from, end)
        this.#tailLength -= end - from
        if (this.#tailLength === 0 && this.#tailVerdict === 'pass') this.#onward.frameEnded()
        from = end
        continue
      }
      if (this.#rest.length === 0) return this.#judge(chunk, from)
      // Only the frame that was cut is joined: what follows it is judged where it is.
      const end = Math.min(from + this.#wanted - this.#rest.length, chunk.length)
      this.#rest.keep(chunk.subarray(from, end))
      from = end
      if (this.#rest.length < this.#wanted) return undefined
      const asked = this.#judge(this.#rest.take(), 0)
      if (asked !== undefined) {
        this.#rest.keep(chunk.subarray(from))
        return asked
      }
    }
    return undefined
  }

  /** Applies the verdict on the held frame and goes on with what waited behind it. */
  release(verdict: Verdict): Asked | undefined {
    const held = this.#held
    if (held === undefined) throw new TypeError('no frame is held')
    this.#held = undefined
    const chunk = this.#rest.take()
    if (verdict === 'pass') this.#onward.pass(chunk, 0, held.length)
    return this.#judge(chunk, held.length)
  }

  /** Goes on where enough answers have come. @returns as {@link push} does */
  catchUp(): Asked | undefined {
    if (!this.#isAhead || this.#conversation.owedAnswers > fewOwedAnswers) return undefined
    this.#isAhead = false
    return this.#judge(this.#rest.take(), 0)
  }

  #judge(chunk: Buffer, from: number): Asked | undefined {
    const conversation = this.#conversation
    const side = this.#side
    const end = chunk.length
    let at = from
    while (at < end) {
      const have = end - at
      if (have < conversation.headBytes) return this.#wait(chunk, at, conversation.headBytes)
      const length = conversation.length(side, chunk, at)
      const needed = conversation.needed(side, chunk, at, length)
      if (have < needed) return this.#wait(chunk, at, needed)
      const present = have < length ? have : length
      let verdict: Verdict
      if (side === 'server') {
        verdict = conversation.server(chunk, at, at + needed, length, this.#out)
      } else {
        if (conversation.owedAnswers >= mostOwedAnswers) return this.#waitForAnswers(chunk, at)
        const answer = conversation.client(chunk, at, at + needed, this.#out)
        if (answer !== 'pass' && answer !== 'drop') {
          this.#held = { asked: answer, length }
          this.#rest.keep(at === 0 ? chunk : chunk.subarray(at))
          return answer
        }
        verdict = answer
      }
      if (verdict === 'pass') this.#onward.pass(chunk, at, at + present)
      at += present
      this.#tailLength = length - present
      this.#tailVerdict = verdict
      if (this.#tailLength > 0 && verdict === 'pass') this.#onward.frameBegun()
    }
    return undefined
  }

  #wait(chunk: Buffer, at: number, wanted: number): undefined {
    this.#rest.keep(at === 0 ? chunk : chunk.subarray(at))
    this.#wanted = wanted
    return undefined
  }

  #waitForAnswers(chunk: Buffer, at: number): undefined {
    this.#isAhead = true
    this.#conversation.flush(this.#out)
    this.#rest.keep(at === 0 ? chunk : chunk.subarray(at))
    return undefined
  }
}
