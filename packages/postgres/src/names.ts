import { Fault } from '@sallyport/core'

/** More prepared statements or cursors than any client uses, fewer than would matter to the gateway's memory. */
const maxNames = 50_000
/** How often one name may be redefined before the server answers. */
const maxPending = 4_096

interface Pending<Meaning> {
  readonly meaning: Meaning
  readonly segment: number
  readonly isSure: boolean
}

/**
 * What a name may stand for on the server: the meaning that the server has confirmed, and those that it has been sent
 * but not yet answered. A judgement takes all candidates, so that no order of answers can make it wrong.
 *
 * Between two Syncs (a segment) the last sure definition is the first candidate: the server either has taken it, or
 * ignores all that follows in that segment.
 */
export class Names<Meaning> {
  readonly #confirmed = new Map<string, Meaning>()
  readonly #pending = new Map<string, Pending<Meaning>[]>()
  #segment = 0

  /** A Sync or a simple query was sent. */
  nextSegment(): void {
    this.#segment++
  }

  candidates(name: string): readonly Meaning[] {
    const confirmed = this.#confirmed.get(name)
    const pending = this.#pending.get(name)
    if (pending === undefined) return confirmed === undefined ? [] : [confirmed]
    // hot path: what was just sent.
    const last = pending.at(-1)!
    if (last.isSure && last.segment === this.#segment) return [last.meaning]
    const sure = pending.findLastIndex(({ segment, isSure }) => isSure && segment === this.#segment)
    const meanings = pending.slice(Math.max(sure, 0)).map(({ meaning }) => meaning)
    return confirmed === undefined || sure !== -1 ? meanings : [confirmed, ...meanings]
  }

  /**
   * @param isSure it is made, or fails the rest of its segment: a Parse or a Bind. What SQL makes is not sure: it may
   * be bound and never run.
   * @throws Fault client/too-large
   */
  propose(name: string, meaning: Meaning, isSure = true): void {
    const entry = { meaning, segment: this.#segment, isSure }
    const pending = this.#pending.get(name)
    if (pending === undefined) {
      if (this.#confirmed.size + this.#pending.size >= maxNames) {
        throw new Fault(
          'client/too-large',
          `more than ${maxNames} prepared statements or cursors in one session`,
        )
      }
      this.#pending.set(name, [entry])
      return
    }
    if (pending.length >= maxPending) {
      throw new Fault(
        'client/too-large',
        `a name is redefined more than ${maxPending} times without waiting for an answer`,
      )
    }
    pending.push(entry)
  }

  confirm(name: string, meaning: Meaning): void {
    if (this.#settle(name, meaning)) this.#confirmed.set(name, meaning)
  }

  reject(name: string, meaning: Meaning): void {
    this.#settle(name, meaning)
  }

  drop(name: string): void {
    this.#confirmed.delete(name)
  }

  dropWhere(isDropped: (meaning: Meaning, name: string) => boolean): void {
    for (const [name, meaning] of this.#confirmed) if (isDropped(meaning, name)) this.#confirmed.delete(name)
  }

  #settle(name: string, meaning: Meaning): boolean {
    const pending = this.#pending.get(name)
    const at = pending?.findIndex((entry) => entry.meaning === meaning) ?? -1
    if (pending === undefined || at === -1) return false
    if (pending.length === 1) this.#pending.delete(name)
    else pending.splice(at, 1)
    return true
  }
}
