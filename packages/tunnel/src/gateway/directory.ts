import type { Secret } from '@sallyport/core'
import type { KeyState } from '../enrolment/keys.ts'

/** An agent as the directory knows it. */
export interface EnrolledAgent {
  /** UUID, given at enrolment. */
  readonly id: string
  readonly pool: string
  /** What people call it. */
  readonly name: string
  readonly keys: KeyState
  readonly isRevoked: boolean
}

/** Where enrolled agents and join tokens are kept. Every method may reject; what depended on it is then refused. */
export interface AgentDirectory {
  /**
   * Spends one use of a join token, at once and for good.
   * @param secret The secret part of the token.
   * @returns undefined where it is unknown, expired, revoked or used up: never says which
   */
  useJoinToken(secret: Secret): Promise<{ readonly pool: string } | undefined>
  recordEnrolment(agent: EnrolledAgent, notAfterMs: number): Promise<void>
  find(id: string): Promise<EnrolledAgent | undefined>
  /**
   * Sets an agent's keys, only if they still are `from`. False where they were not.
   * @param notAfterMs End of the certificate that was issued with it, if one was.
   */
  advanceKeys(id: string, from: KeyState, to: KeyState, notAfterMs?: number): Promise<boolean>
  /** Marks an agent as revoked. Also the place to end what else trusts it. */
  revoke(id: string, why: string): Promise<void>
}

/** The certificate authority, as far as agents need it. */
export interface AgentAuthority {
  /** PEM. */
  readonly certificate: string
  /** undefined where the request (PKCS #10, DER) does not prove possession of its key. */
  issueAgentCertificate(request: {
    readonly certificateRequest: Uint8Array
    readonly uri: string
  }): Promise<
    { readonly certificate: string; readonly keyFingerprint: string; readonly notAfterMs: number } | undefined
  >
}
