import type { Facts, Outcome, Permit } from '@sallyport/core'
import type { ClientEncoding } from '../client-encoding.ts'
import type { Diagnostics, Masks } from '../masks.ts'
import type { Names } from '../names.ts'
import type { Prepared } from '../operations.ts'
import type { Portals } from '../portals.ts'
import type { SearchPath } from '../search-path.ts'

/** What a conversation is told about its session, and whom it tells. */
export interface ConversationParts {
  /** A random word that no client statement holds: what refused operations are replaced by. */
  readonly marker: string
  readonly sessionId: string
  readonly masks: Masks
  /** How error and notice texts reach the client, as the subject's masks stand now. */
  diagnostics(): Diagnostics
  /** Names that statements and portals go by, shared with the judge. */
  readonly statements: Names<Prepared>
  readonly portals: Portals
  /** Whether what was permitted may go on. See `Session.stands`. hot path */
  stands(permit: Permit, facts: readonly Facts[]): boolean
  finish(permit: Permit, outcome: Outcome): void
  /** A setting that the server reports changed. @throws Fault where it must not */
  setting(name: string, value: string): void
  readonly searchPath: SearchPath
  readonly encoding: ClientEncoding
  /** A statement that may have changed the catalogue was done, or committed. */
  catalogChanged(): void
}
