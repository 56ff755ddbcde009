import type { CompiledQuery, Kysely } from 'kysely'
import type { Clock } from '@sallyport/core'
import type { GroupedWrites } from '../grouped-writes.ts'
import type { Tables } from '../schema.ts'
import type { SessionRow } from './sessions.ts'

type Opened = Omit<
  SessionRow,
  'process' | 'startedAt' | 'endedAt' | 'reason' | 'operations' | 'bytesUp' | 'bytesDown' | 'recording'
>

type Ended = Pick<SessionRow, 'operations' | 'bytesUp' | 'bytesDown'> & {
  /** Milliseconds since 1970; it may be written later. */
  readonly endedAt: number
  readonly reason: string
  readonly recording: 'sealed' | 'interrupted'
}

/**
 * What comes and goes all day: sessions, and when things were last seen. It changes nothing about who may do what, and so
 * stands beside the audit log, not in it; sessions have their recordings. What comes at the same time is committed as one; each call
 * resolves when it is on the disk.
 */
export class Traffic {
  readonly #db: Kysely<Tables>
  readonly #clock: Clock
  readonly #process: number
  readonly #writes: GroupedWrites

  /** @param process whose sessions these are, of several that share the store */
  constructor(db: Kysely<Tables>, writes: GroupedWrites, clock: Clock, process: number) {
    this.#db = db
    this.#writes = writes
    this.#clock = clock
    this.#process = process
  }

  async sessionOpened(session: Opened): Promise<void> {
    await this.#write(
      this.#db.insertInto('sessions').values({
        ...session,
        principal: JSON.stringify(session.principal),
        principalId: session.principal.id,
        actor: JSON.stringify(session.actor),
        process: this.#process,
        startedAt: this.#clock.now(),
        endedAt: null,
        reason: null,
        operations: 0,
        bytesUp: 0,
        bytesDown: 0,
        recording: 'writing',
      }),
    )
  }

  /** @returns false where it is unknown or has ended before: the first end stands */
  async sessionEnded(id: string, end: Ended): Promise<boolean> {
    const updated = await this.#write(
      this.#db.updateTable('sessions').set(end).where('id', '=', id).where('endedAt', 'is', null),
    )
    return updated > 0n
  }

  /**
   * At start, before the first session: whatever was live when the gateway last stopped no longer is. The same for one process that
   * died, where several share the store. @returns how many
   */
  async endInterrupted(process?: number): Promise<number> {
    const live = this.#db
      .updateTable('sessions')
      .set({ endedAt: this.#clock.now(), reason: 'interrupted', recording: 'interrupted' })
      .where('endedAt', 'is', null)
    const its = process === undefined ? live : live.where('process', '=', process)
    const { numUpdatedRows } = await its.executeTakeFirst()
    return Number(numUpdatedRows)
  }

  async agentSeen(id: string, version: string): Promise<void> {
    const seen = { lastSeenAt: this.#clock.now(), version }
    await this.#write(this.#db.updateTable('agents').set(seen).where('id', '=', id))
  }

  async tokenUsed(id: string): Promise<void> {
    const used = { lastUsedAt: this.#clock.now() }
    await this.#write(this.#db.updateTable('tokens').set(used).where('id', '=', id))
  }

  #write(query: { compile(): CompiledQuery }): Promise<bigint> {
    return this.#writes.add(query.compile())
  }
}
