import { Names } from './names.ts'
import type { Opened } from './operations.ts'

/**
 * Portals by name: those that clients bind and the cursors that SQL declares share one namespace. Functions open and close
 * cursors unseen; each call of one begins a new era, in which names of older ones may stand for anything.
 */
export class Portals {
  readonly #names = new Names<Opened>()
  #era = 0

  get era(): number {
    return this.#era
  }

  nextEra(): void {
    this.#era++
  }

  nextSegment(): void {
    this.#names.nextSegment()
  }

  candidates(name: string): readonly Opened[] {
    return this.#names.candidates(name)
  }

  /** Whether a name with these candidates stands for one of them, and not for what a function opened. */
  areCurrent(candidates: readonly Opened[]): boolean {
    return candidates.every(({ era }) => era === this.#era)
  }

  /** @param isSure see {@link Names.propose}. @throws Fault client/too-large */
  propose(name: string, opened: Opened, isSure: boolean): void {
    opened.era = this.#era
    this.#names.propose(name, opened, isSure)
  }

  confirm(name: string, opened: Opened): void {
    this.#names.confirm(name, opened)
  }

  reject(name: string, opened: Opened): void {
    this.#names.reject(name, opened)
  }

  drop(name: string): void {
    this.#names.drop(name)
  }

  dropAll(): void {
    this.#names.dropWhere(() => true)
  }

  transactionEnded(): void {
    this.#names.dropWhere(isOfTransaction)
  }
}

function isOfTransaction(opened: Opened): boolean {
  return opened.kind === 'bound' || !opened.isHoldable
}
