import { Fault } from '@sallyport/core'
import { mostOwedAnswers } from '@sallyport/wire'

/** More prepared statements or cursors than any client uses, fewer than would matter to the gateway's memory. */
const maxNames = 50_000
/** How often one name may be redefined before the server answers: only texts of many statements can come to it. */
const maxPending = mostOwedAnswers

interface Pending<Meaning> {
  readonly meaning: Meaning
  readonly segment: number
  readonly isSure: boolean
}

/** One name: what the server has confirmed it to mean, and what it has been sent and not yet answered, in order. */
class Slot<Meaning> {
  confirmed: Meaning | undefined
  readonly pending: Pending<Meaning>[] = []

  get isEmpty(): boolean {
    return this.confirmed === undefined && this.pending.length === 0
  }
}

/**
 * What a name may stand for on the server: the meaning that the server has confirmed, and those that it has been sent
 * but not yet answered. A judgement takes all candidates, so that no order of answers can make it wrong.
 *
 * Between two Syncs (a segment) the last sure definition is the first candidate: the server either has taken it, or
 * ignores all that follows in that segment.
 */
export class Names<Meaning> {
  /** hot path: the unnamed one comes and goes with every statement, and keeps its slot. */
  readonly #unnamed = new Slot<Meaning>()
  readonly #named = new Map<string, Slot<Meaning>>()
  #segment = 0

  /** A Sync or a simple query was sent. */
  nextSegment(): void {
    this.#segment++
  }

  candidates(name: string): readonly Meaning[] {
    const slot = this.#slot(name)
    if (slot === undefined) return []
    const { confirmed, pending } = slot
    const last = pending.at(-1)
    if (last === undefined) return confirmed === undefined ? [] : [confirmed]
    // hot path: what was just sent.
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
    const { pending } = this.#slot(name) ?? this.#newSlot(name)
    if (pending.length >= maxPending) {
      throw new Fault(
        'client/too-large',
        `a name is redefined more than ${maxPending} times without waiting for an answer`,
      )
    }
    pending.push({ meaning, segment: this.#segment, isSure })
  }

  confirm(name: string, meaning: Meaning): void {
    const slot = this.#slot(name)
    if (slot !== undefined && settle(slot, meaning)) slot.confirmed = meaning
  }

  reject(name: string, meaning: Meaning): void {
    const slot = this.#slot(name)
    if (slot === undefined) return
    settle(slot, meaning)
    this.#letGo(name, slot)
  }

  drop(name: string): void {
    const slot = this.#slot(name)
    if (slot === undefined) return
    slot.confirmed = undefined
    this.#letGo(name, slot)
  }

  dropWhere(isDropped: (meaning: Meaning, name: string) => boolean): void {
    const { confirmed } = this.#unnamed
    if (confirmed !== undefined && isDropped(confirmed, '')) this.#unnamed.confirmed = undefined
    for (const [name, slot] of this.#named) {
      if (slot.confirmed === undefined || !isDropped(slot.confirmed, name)) continue
      slot.confirmed = undefined
      this.#letGo(name, slot)
    }
  }

  #slot(name: string): Slot<Meaning> | undefined {
    return name === '' ? this.#unnamed : this.#named.get(name)
  }

  #newSlot(name: string): Slot<Meaning> {
    if (this.#named.size >= maxNames)
      throw new Fault(
        'client/too-large',
        `more than ${maxNames} prepared statements or cursors in one session`,
      )
    const slot = new Slot<Meaning>()
    this.#named.set(name, slot)
    return slot
  }

  #letGo(name: string, slot: Slot<Meaning>): void {
    if (slot.isEmpty) this.#named.delete(name)
  }
}

function settle<Meaning>({ pending }: Slot<Meaning>, meaning: Meaning): boolean {
  const at = pending.findIndex((entry) => entry.meaning === meaning)
  if (at === -1) return false
  if (at === 0) pending.shift()
  else pending.splice(at, 1)
  return true
}
