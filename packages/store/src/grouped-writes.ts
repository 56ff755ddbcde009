import { setImmediate } from 'node:timers/promises'
import type { CompiledQuery } from 'kysely'
import { Fault } from '@sallyport/core'

/** More than so many statements would hold up the process for long: they take some 30 µs each. */
const mostAtOnce = 256

/**
 * Commits statements one after another and resolves when all are on the disk, to how many rows each of them changed. All or none.
 * @throws Fault gateway/store-unavailable; anything else where one of them is at fault
 */
export type CommitTogether = (queries: readonly CompiledQuery[]) => Promise<readonly bigint[]>

interface Waiting extends PromiseWithResolvers<bigint> {
  readonly query: CompiledQuery
}

/** Statements that many ask for at the same time, committed and made durable as one: those of a turn, and those of one sync to disk. */
export class GroupedWrites implements AsyncDisposable {
  readonly #commit: CommitTogether
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined

  constructor(commit: CommitTogether) {
    this.#commit = commit
  }

  /** Resolves when it is on the disk, to how many rows it changed. @throws Fault gateway/store-unavailable */
  add(query: CompiledQuery): Promise<bigint> {
    const one = { query, ...Promise.withResolvers<bigint>() }
    this.#waiting.push(one)
    this.#writing ??= this.#writeAll()
    return one.promise
  }

  async #writeAll(): Promise<void> {
    await setImmediate()
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, mostAtOnce))
    this.#writing = undefined
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    try {
      const changed = await this.#commit(group.map(({ query }) => query))
      group.forEach(({ resolve }, i) => resolve(changed[i]!))
    } catch (thrown) {
      // One that is at fault itself does not take the others along.
      if (group.length > 1 && !(thrown instanceof Fault)) for (const one of group) await this.#write([one])
      else for (const { reject } of group) reject(thrown)
    }
  }

  /** Resolves when nothing waits any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
  }
}
