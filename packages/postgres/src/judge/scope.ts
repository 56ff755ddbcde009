import { isRefusal } from '@sallyport/core'
import type { Cursor, Effect, Prepared } from '../operations.ts'
import type { PathState } from '../path-state.ts'

/** Where a statement stands: what the statements before it in its text have made of the session. */
export class Scope {
  /** How many EXECUTEs it stands for stand around it. */
  readonly depth: number
  readonly statements = new Map<string, Prepared>()
  readonly cursors = new Map<string, Cursor>()
  /** A function before it may have opened any cursor. */
  isOpaque = false
  #path: readonly string[]
  #session: PathState
  #isForked = false

  /** @param session its path, which is not changed */
  constructor(path: readonly string[], session: PathState, depth: number) {
    this.#path = path
    this.#session = session
    this.depth = depth
  }

  get path(): readonly string[] {
    return this.#path
  }

  /** A statement was judged that does this. @returns false where names behind it cannot be told */
  passed(effect: Effect): boolean {
    switch (effect.kind) {
      case 'prepare':
        this.statements.set(effect.name, effect.prepared)
        return true
      case 'declare':
        this.cursors.set(effect.name, effect.cursor)
        return true
      case 'opaque':
        this.cursors.clear()
        this.isOpaque = true
        return true
      case 'search-path':
        if (effect.isUncertain === true) return false
        return this.#changePath((session) => session.applied(effect.value, effect.isLocal))
      case 'transaction-end':
        return this.#changePath((session) => {
          if (effect.isRollback) session.rolledBack()
          session.transactionEnded()
        })
      case 'savepoint':
        return this.#changePath((session) => session.savepoint(effect.name))
      case 'release':
        return this.#changePath((session) => session.released(effect.name))
      case 'rollback-to':
        return this.#changePath((session) => session.rolledBackToSavepoint(effect.name))
      default:
        return true
    }
  }

  #changePath(change: (session: PathState) => void): boolean {
    if (!this.#isForked) this.#session = this.#session.fork()
    this.#isForked = true
    change(this.#session)
    const path = this.#session.current()
    if (isRefusal(path)) return false
    this.#path = path
    return true
  }
}
