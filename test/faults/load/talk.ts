import { fieldsOf, wordsOf, type RawFrame, type RawPostgres } from '../../world/raw-postgres.ts'
import type { Loss } from './ledger.ts'

/** How long a client waits for an answer: longer than any fault lasts. */
const patienceMs = 120_000

/** The session ended under its client. */
export class SessionLost extends Error {
  readonly loss: Loss

  constructor(loss: Loss) {
    super(loss.words)
    this.loss = loss
  }
}

/** A session as the operations of a load use it: ask, and get all that is answered, or {@link SessionLost}. */
export class Talk {
  readonly #raw: RawPostgres
  /** Named statements that were parsed in this session. */
  readonly prepared = new Set<string>()

  constructor(raw: RawPostgres) {
    this.#raw = raw
  }

  /** Sends, and waits for `count` times ReadyForQuery, or for the first message with tag `until`. */
  async ask(messages: readonly Uint8Array[], until: number | string = 1): Promise<RawFrame[]> {
    let ready = 0
    const isLast = ({ tag }: RawFrame): boolean =>
      typeof until === 'string' ? tag === until || tag === 'Z' : tag === 'Z' && ++ready === until
    this.#raw.send(...messages)
    try {
      return await this.#raw.until(isLast, patienceMs)
    } catch (thrown) {
      if (!this.#raw.isOver) throw thrown
      throw new SessionLost(await lossOf(this.#raw))
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#raw[Symbol.asyncDispose]()
  }
}

async function lossOf(raw: RawPostgres): Promise<Loss> {
  const said = (await raw.untilOver()).findLast(({ tag }) => tag === 'E')
  const isFatal = said !== undefined && fieldsOf(said)['S'] === 'FATAL'
  return {
    code: isFatal ? fieldsOf(said)['C'] : undefined,
    words: isFatal ? wordsOf(said) : 'no words',
    isMidMessage: raw.isMidMessage,
  }
}
