import type { JudgedStatement, Run } from '../operations.ts'
import type { Owed } from './owed.ts'

/**
 * The Syncs of a client whose COPY FROM STDIN is under way. The server ignores a Sync while it copies in and answers it
 * once that has failed, and which of them it was cannot be seen. So none is sent: it is kept back until the COPY is over.
 */
export class CopyIn {
  #asked: Owed | undefined
  /** CopyDone and CopyFail that it takes to be over. */
  #endsDue = 0
  #hasKeptSync = false

  /** Whether the client may be feeding one. */
  get isAsked(): boolean {
    return this.#asked !== undefined
  }

  /** The client sent what is answered by `owed`, of which parts may copy in. */
  sent(owed: Owed, run: Run | undefined): void {
    // hot path: most copy nothing.
    let copies = 0
    if (run !== undefined) for (const statement of run.statements) if (copiesIn(statement)) copies++
    this.#asked = copies === 0 ? undefined : owed
    this.#endsDue = copies
    this.#hasKeptSync = false
  }

  /** The client sent a message that a server which copies in would die of: it does not, or all is over. */
  nothingToFeed(): void {
    this.#asked = undefined
  }

  /** The client sent CopyDone or CopyFail. */
  endSent(): void {
    this.#endsDue--
  }

  /** @returns whether this Sync must not be sent */
  keepsSync(): boolean {
    if (this.#asked === undefined || this.#endsDue <= 0) return false
    this.#hasKeptSync = true
    return true
  }

  /** The server copies in: it would have ignored what was kept. */
  begun(owed: Owed): void {
    if (owed === this.#asked) this.#hasKeptSync = false
  }

  /** The answer is complete. @returns whether a Sync was kept that now is to be sent */
  ended(owed: Owed): boolean {
    if (owed !== this.#asked) return false
    this.#asked = undefined
    return this.#hasKeptSync
  }
}

export function copiesIn({ copy }: JudgedStatement): boolean {
  return copy?.direction === 'in'
}
