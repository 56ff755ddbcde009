import type { CompiledQuery, Dialect, Kysely, RawBuilder } from 'kysely'
import type { Tables } from '../schema.ts'

/** All in which the databases differ. Nothing else asks which one it is. */
export interface StoreDialect {
  readonly kysely: Dialect
  readonly types: {
    /** Whole numbers up to 2^53: times, counts, sizes. */
    readonly integer: RawBuilder<unknown>
    readonly bytes: RawBuilder<unknown>
  }
  /** What stands behind the closing bracket of a table's definition. */
  readonly tableEnd: RawBuilder<unknown>
  /**
   * Makes the database itself refuse: a review's state to move but along `reviewMoves`, and any change of what stands in
   * the audit log.
   */
  guard(db: Kysely<Tables>): Promise<void>
  /** The same for requests, along `accessRequestMoves`; and of a grant, whatever is given, nothing may change but that it is revoked, once. */
  guardGrants(db: Kysely<Tables>): Promise<void>
  /**
   * Commits statements in one transaction: resolves when they are on the disk, to how many rows each changed. The process goes on
   * while the disk works.
   * @throws Fault gateway/store-unavailable
   */
  commitTogether(db: Kysely<Tables>, queries: readonly CompiledQuery[]): Promise<readonly bigint[]>
}
