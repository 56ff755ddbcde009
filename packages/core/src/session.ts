import type { Duplex } from 'node:stream'
import type { Facts } from './facts.ts'
import type { SessionId } from './ids.ts'
import type { Subject } from './identity.ts'
import type { Operation, Outcome } from './operation.ts'
import type { Authorization, Permit } from './permit.ts'
import type { Refusal } from './refusal.ts'
import type { Resource } from './resource.ts'
import type { Secret } from './secret.ts'

/** What a client says of itself when it logs in. A protocol only collects it; the gate judges it. */
export interface LoginClaim {
  /** The resource's name, as the client wrote it. */
  readonly resource: string
  /** The account asked for; the resource's first where absent. */
  readonly account?: string
  /** An access token. */
  readonly credential: Secret
  /** `host:port` of the client. */
  readonly clientAddress: string
  readonly clientApplication?: string
}

/** Says something to the waiting user, in the protocol's own way. */
export type Tell = (notice: string) => void

/** A target's credential, made ready for one log-in. */
export interface UpstreamCredential {
  readonly user: string
  /** Absent where the target asks for none. */
  readonly password?: Secret
}

/** Cancel requests come on another connection: they find their session by its key. */
export interface Interrupts {
  /** Registers a key until disposed. `key` is secret; it is compared in constant time. */
  register(key: Uint8Array, fire: () => void): Disposable
  /** True where a session had that key: known when the cancel is on its way, and whichever process holds the session. */
  fire(key: Uint8Array): boolean | Promise<boolean>
}

/** All that a protocol may ask of the gateway. */
export interface Gate<Options = unknown> {
  open(claim: LoginClaim): Promise<Session<Options> | Refusal>
  readonly interrupts: Pick<Interrupts, 'register'>
  /**
   * Fires the interrupt of the session that has this key, whoever asks. A key that could be guessed is not even looked up
   * for an address that guessed wrong too often.
   */
  interrupt(key: Uint8Array, clientAddress: string): Promise<boolean>
}

/** One client's connection to one resource, from log-in to close; the unit of recording. */
export interface Session<Options = unknown> extends AsyncDisposable {
  readonly kind: 'session'
  readonly id: SessionId
  readonly subject: Subject
  readonly resource: Resource<Options>
  readonly account: string
  /** Aborts on kill, revocation, expiry and drain. Its `reason` is a Refusal or a Fault: word it and close. */
  readonly signal: AbortSignal
  /**
   * Raw bytes to the target, through whichever agent serves it. `end()` half-closes; `destroy(error)` resets.
   * @param signal in place of the session's own, for what must be done when that has aborted
   * @throws Fault gateway/no-agent, gateway/agent-refused, target/unreachable, target/too-slow
   */
  dial(signal?: AbortSignal): Promise<Duplex>
  /**
   * What to log in to the target with. Never logged, never sent downstream.
   * @throws Fault gateway/no-credential
   */
  credential(): Promise<UpstreamCredential>
  /**
   * Decides, has reviewed where policy asks, records. Synchronous when the answer is known, which is the hot path.
   * `signal` withdraws a pending review: the client cancelled, or left.
   * @throws Fault gateway/cannot-record
   */
  authorize(
    operation: Operation,
    facts: readonly Facts[],
    tell: Tell,
    signal?: AbortSignal,
  ): Authorization | Promise<Authorization>
  /**
   * Records an operation that its protocol refuses by itself, before policy: too complex, not expressible.
   * @throws Fault gateway/cannot-record
   */
  refuse(operation: Operation, refused: Refusal): Refusal
  /**
   * Whether what was permitted may go on: false where another policy or group would decide it otherwise by now, or hide more of it.
   * hot path
   */
  stands(permit: Permit, facts: readonly Facts[]): boolean
  /** Tags that the subject may not see in clear here, as policy stands now. */
  maskedTags(): ReadonlySet<string>
  /** Call before bytes of permitted operations leave: what was recorded is in the log when it returns. */
  commit(): void
  finish(permit: Permit, outcome: Outcome): void
  /** How the session ended, for its last event: `client-left`, `target-left`, or a code. Bytes as the relay counted them. */
  ended(reason: string, bytesUp: number, bytesDown: number): void
}
