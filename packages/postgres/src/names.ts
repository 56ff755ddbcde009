import { Fault } from '@sallyport/core'

/** More prepared statements or cursors than any client uses, fewer than would matter to the gateway's memory. */
const maxNames = 50_000
const maxPending = 64

/**
 * What a name may stand for on the server: the meaning that the server has confirmed, and those that it has been sent
 * but not yet answered. A judgement takes all candidates, so that no order of answers can make it wrong.
 */
export class Names<Meaning> {
  readonly #confirmed = new Map<string, Meaning>()
  readonly #pending = new Map<string, Meaning[]>()

  candidates(name: string): readonly Meaning[] {
    const confirmed = this.#confirmed.get(name)
    const pending = this.#pending.get(name)
    if (pending === undefined) return confirmed === undefined ? [] : [confirmed]
    return confirmed === undefined ? pending : [confirmed, ...pending]
  }

  propose(name: string, meaning: Meaning): void {
    const pending = this.#pending.get(name)
    if (pending === undefined) {
      if (this.#confirmed.size + this.#pending.size >= maxNames) {
        throw new Fault(
          'client/too-large',
          `more than ${maxNames} prepared statements or cursors in one session`,
        )
      }
      this.#pending.set(name, [meaning])
      return
    }
    if (pending.length >= maxPending)
      throw new Fault('client/too-large', `"${name}" is redefined too often without waiting for an answer`)
    pending.push(meaning)
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

  dropAll(): void {
    this.#confirmed.clear()
  }

  #settle(name: string, meaning: Meaning): boolean {
    const pending = this.#pending.get(name)
    const at = pending?.indexOf(meaning) ?? -1
    if (pending === undefined || at === -1) return false
    if (pending.length === 1) this.#pending.delete(name)
    else pending.splice(at, 1)
    return true
  }
}
