import type { Bed, BedOptions } from './bed.ts'
import type { Ledger } from './load/ledger.ts'
import type { Random } from './random.ts'

/** What clients may notice of a fault. Whatever else they notice is a finding. */
export interface Notice {
  /** SQLSTATEs with which sessions may end; absent where none may. */
  readonly ends?: RegExp
  /** SQLSTATEs with which new sessions may be refused; absent where none may. */
  readonly refusals?: RegExp
  /** The gateway itself is not there, so nobody can say a word: connections may end, or be refused, without one. */
  readonly isWordless?: boolean
}

/** One way to break a deployment while it is used. */
export interface Fault {
  readonly name: string
  readonly notice: Notice
  /** A bed of its own, apart from the one that most faults share. */
  readonly bed?: BedOptions
  /** Why it cannot be shown on this machine; undefined where it can. */
  readonly skip?: () => string | undefined
  /**
   * Breaks, waits, mends. Resolves when the fault is over: from then on the time to recover counts.
   * @param ledger what the clients were told so far
   * @returns what it saw that must not be, in words
   */
  inject(bed: Bed, random: Random, ledger: Readonly<Ledger>): Promise<readonly string[] | void>
}
