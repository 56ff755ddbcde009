import type { Fault } from './fault.ts'
import type { SessionId } from './ids.ts'
import type { Subject } from './identity.ts'
import type { Refusal } from './refusal.ts'
import type { Account, Resource } from './resource.ts'
import type { Secret } from './secret.ts'

/** A target's credential, made ready for one log-in. */
export interface UpstreamCredential {
  /** As the target knows it: not the account's name where the source makes users of its own. */
  readonly user: string
  /** The role as which it acts there from its first statement on, where that is known to be another than `user`. */
  readonly actsAs?: string
  /** Absent where the target asks for none. */
  readonly password?: Secret
  /** The password goes nowhere but into TLS whose certificate was verified, whatever else the target's protocol allows. */
  readonly isForVerifiedTlsOnly?: true
  /** PEM or OpenSSH's form; in place of a password. */
  readonly privateKey?: Secret
  /** What an authority that the target trusts says of `privateKey`, as OpenSSH encodes it. */
  readonly certificate?: Uint8Array
  /** For TLS with the target; beside a password or in place of one. */
  readonly clientCertificate?: ClientCertificate
}

/** An X.509 certificate by which TLS says who connects. */
export interface ClientCertificate {
  /** PEM: its own certificate first, then those that lead to an authority that the target trusts. */
  readonly chain: string
  /** PEM, PKCS #8, without a passphrase. */
  readonly privateKey: Secret
}

/** Whose credential is asked for, and on what occasion. */
export interface CredentialRequest {
  readonly resource: Resource
  readonly account: Account
  /** Of nobody where the gateway asks a target on its own behalf. */
  readonly session: SessionId
  /** Who it is for; undefined where that is the gateway itself. */
  readonly subject: Subject | undefined
  /** Whoever asked does not wait any more. */
  readonly signal: AbortSignal
}

/** What came of it. */
export interface FoundCredential {
  readonly credential: UpstreamCredential
  /** Where something goes on as long as it is in use, or is to be undone after. Absent for what is fetched anew for each log-in. */
  readonly lease?: Lease
}

/** A credential that was made for one session. It serves all of the session's log-ins, and ends with it. */
export interface Lease {
  /** Calls once, where it ends while it is in use: the session has to end by this. Never inside this call. */
  onLost(listener: (cause: Refusal | Fault) => void): void
  /** It is used no more. What it stands for is undone now or, where that cannot be, later: whoever releases it waits for neither. */
  release(): Promise<void>
}
