import { Fault, type OwnTarget } from '@sallyport/core'
import type { ScramKeyring } from '../login/scram-keys.ts'
import { openSide } from '../open-side.ts'
import type { PostgresOptions } from '../options.ts'
import { AnswerError, type SideConnection } from '../side-connection.ts'

/** For its log-in, and for each statement. */
const timeoutMs = 10_000
const lockTimeoutMs = 5_000

/** A connection by which roles are made and dropped, until disposed. */
export interface Administration extends Disposable {
  readonly query: SideConnection['query']
}

/** @throws Fault */
export async function administer(
  target: OwnTarget<PostgresOptions>,
  keyring: ScramKeyring,
  signal: AbortSignal,
  database = target.resource.options.database ?? 'postgres',
): Promise<Administration> {
  const side = await openSide(target, {
    database,
    keyring,
    timeoutMs,
    signal,
    settings: {
      // What others made must not come between.
      search_path: 'pg_catalog',
      datestyle: 'ISO',
      lock_timeout: String(lockTimeoutMs),
    },
  })
  return { query: (sql) => side.query(sql), [Symbol.dispose]: () => side.end() }
}

/** SQLSTATE of what the target refused; undefined where it was something else. */
export function stateOf(thrown: unknown): string | undefined {
  return thrown instanceof AnswerError ? thrown.state : undefined
}

/** Said to the client, who can tell the platform's people; the target's own words are for the operators. */
export function cannotMake(why: string, cause?: unknown): Fault {
  return new Fault('gateway/no-credential', `no role could be made for this session: ${why}`, { cause })
}
