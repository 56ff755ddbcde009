import type { Secret } from './secret.ts'
import type { OwnTarget } from './tag-suggestions.ts'

/** A role of a target that is made for one session, logs in, and acts as a role that is there already. */
export interface EphemeralRole {
  /** Nobody else's, and not to be guessed. */
  readonly name: string
  readonly password: Secret
  /** The role that it acts as: what the session may do is what that one may. */
  readonly account: string
  /** For whoever looks at the target's roles. */
  readonly comment: string
}

/** What a target tells when a role is made: others of this gateway's that nobody is connected with. */
export interface RolesFound {
  /** Made so long ago that their sessions are over or far from their log-in. */
  readonly idle: readonly string[]
}

/** How a protocol makes roles that last as long as one session. Each call reaches the target as an account that may. */
export interface EphemeralRoles<Options = unknown> {
  /**
   * @param prefix with which all names of this gateway's roles begin, and no others
   * @throws Fault gateway/no-credential that says what the account may not, and who has to grant what; gateway/overloaded
   */
  create(
    administration: OwnTarget<Options>,
    role: EphemeralRole,
    prefix: string,
    signal: AbortSignal,
  ): Promise<RolesFound>
  /**
   * Ends its connections, gives what it owns to the account that it acted as, and drops it. Nothing where it is not there.
   * @throws Fault
   */
  drop(
    administration: OwnTarget<Options>,
    role: Pick<EphemeralRole, 'name' | 'account'>,
    signal: AbortSignal,
  ): Promise<void>
}
