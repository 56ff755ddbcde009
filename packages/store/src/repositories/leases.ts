import { sql, type Kysely } from 'kysely'
import type { Clock } from '@sallyport/core'
import type { GroupedWrites } from '../grouped-writes.ts'
import type { Tables } from '../schema.ts'

/** What was made for one session, and has to be undone after it, whatever happens to the gateway meanwhile. */
export interface LeaseRow {
  readonly id: string
  /** The kind of credential source that made it, and knows how to undo it. */
  readonly source: string
  readonly session: string
  readonly resource: string
  readonly account: string
  /** What its source has to know for that, sealed. */
  readonly what: Uint8Array
  /** So long after it was last renewed it is over by itself; null where it never is. */
  readonly lastsMs: number | null
  /** When that is, now that it is used no more. */
  readonly endsAt: number | null
  /** To undo it, that have failed. */
  readonly attempts: number
  /** Why the last one did. */
  readonly problem: string | null
}

/**
 * Comes and goes with sessions, and so stands beside the audit log, not in it. A row is written before what it is about is used, and
 * deleted when that is undone.
 */
export class LeaseLedger {
  readonly #db: Kysely<Tables>
  readonly #writes: GroupedWrites
  readonly #clock: Clock
  readonly #process: number

  /** @param process whose sessions these are, of several that share the store */
  constructor(db: Kysely<Tables>, writes: GroupedWrites, clock: Clock, process: number) {
    this.#db = db
    this.#writes = writes
    this.#clock = clock
    this.#process = process
  }

  /** It is in use from now on. Resolves when that is on the disk. @throws Fault gateway/store-unavailable */
  async hold(lease: Omit<LeaseRow, 'endsAt' | 'attempts' | 'problem'>): Promise<void> {
    const row = { ...lease, process: this.#process, dueAt: null, endsAt: null, attempts: 0, problem: null }
    await this.#writes.add(this.#db.insertInto('leases').values(row).compile())
  }

  /** It is used no more: to be undone from now on. */
  async over(id: string): Promise<void> {
    const due = this.#db.updateTable('leases').set(this.#due())
    await this.#writes.add(due.where('id', '=', id).where('dueAt', 'is', null).compile())
  }

  /**
   * At start, before the first session: nothing is in use, and nobody has taken anything or waits. The same for one process that
   * died, where several share the store; what it had taken is due when that time is over.
   * @returns how many were
   */
  async endLeftovers(process?: number): Promise<number> {
    const due = this.#db
      .updateTable('leases')
      .set(this.#due())
      .where('dueAt', 'is', null)
      .$if(process !== undefined, (query) => query.where('process', '=', process ?? 0))
    const { numUpdatedRows } = await due.executeTakeFirst()
    if (process === undefined) {
      const now = this.#clock.now()
      await this.#db.updateTable('leases').set({ dueAt: now }).where('dueAt', '>', now).execute()
    }
    return Number(numUpdatedRows)
  }

  #due() {
    const now = this.#clock.now()
    return { dueAt: now, endsAt: sql<number | null>`"lastsMs" + ${now}` }
  }

  /**
   * Takes those that are due, for `forMs`: meanwhile no other process takes them. Those that were tried least first, and of these the
   * longest due: a target that is gone must not hold up all others.
   */
  async take(limit: number, forMs: number): Promise<readonly LeaseRow[]> {
    const now = this.#clock.now()
    const due = this.#db.selectFrom('leases').select('id').where('dueAt', '<=', now)
    const rows = await this.#db
      .updateTable('leases')
      .set({ dueAt: now + forMs })
      .where('id', 'in', due.orderBy('attempts').orderBy('dueAt').orderBy('id').limit(limit))
      .returningAll()
      .execute()
    return rows.map(({ process: _process, dueAt: _dueAt, ...row }) => row)
  }

  /** It could not be undone, and is due again at `dueAt`. */
  async failed(id: string, attempts: number, problem: string, dueAt: number): Promise<void> {
    const again = this.#db.updateTable('leases').set({ attempts, problem, dueAt })
    await this.#writes.add(again.where('id', '=', id).compile())
  }

  /** It is undone. */
  async gone(id: string): Promise<void> {
    await this.#writes.add(this.#db.deleteFrom('leases').where('id', '=', id).compile())
  }

  /** How many are to be undone by now, and are not: 0 where all is well. */
  async waiting(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('leases')
      .select((select) => select.fn.countAll<number | bigint>().as('count'))
      .where('dueAt', 'is not', null)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** All of them, for whoever looks. */
  async list(): Promise<readonly LeaseRow[]> {
    const rows = await this.#db.selectFrom('leases').selectAll().orderBy('id').execute()
    return rows.map(({ process: _process, dueAt: _dueAt, ...row }) => row)
  }
}
