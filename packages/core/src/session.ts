import type { Duplex } from 'node:stream'
import type { Audience } from './audience.ts'
import type { UpstreamCredential } from './credential.ts'
import type { Facts } from './facts.ts'
import type { SessionId } from './ids.ts'
import type { Subject } from './identity.ts'
import type { Operation, Outcome } from './operation.ts'
import type { Authorization, Permit } from './permit.ts'
import type { Passage } from './passage.ts'
import type { Refusal } from './refusal.ts'
import type { Resource } from './resource.ts'
import type { Secret } from './secret.ts'

/** An access token, or a key whose possession was proven. */
export type LoginCredential = Secret | ProvenKey

/**
 * A key in whose name the client signed this very connection: the protocol has checked that, and nothing else. Whose it is, and
 * whether it is still good, the gate says.
 */
export interface ProvenKey extends OfferedKey {
  readonly isProven: true
}

/** A key as a client names it, before it has proven anything. */
export interface OfferedKey {
  /** A plain public key, or a certificate of one. */
  readonly kind: 'public-key' | 'certificate'
  /** As OpenSSH encodes it (RFC 4253 section 6.6, PROTOCOL.certkeys). */
  readonly blob: Uint8Array
  /** Whom the client says it is to log in as, where its protocol has a name for that. */
  readonly name?: string
}

/** A sign-in that somebody completes in a browser, for a client that shows nothing. */
export interface DeviceSignIn {
  /** Where to go, with the code in it. */
  readonly url: string
  /** What must be the same on both sides. */
  readonly code: string
  /** Until it is done, refused or late, or `signal` gives it up. @returns an access token to log in with */
  wait(signal: AbortSignal): Promise<Secret | Refusal>
}

/** Where clients get tokens that the gate takes, which speak OAuth and nothing of ours. */
export interface AuthorizationServer {
  /** What it says of itself: RFC 8414. */
  readonly metadataUrl: string
}

/** What a client says of itself when it logs in. A protocol only collects it; the gate judges it. */
export interface LoginClaim {
  /** The resource's name, as the client wrote it. */
  readonly resource: string
  /** The account asked for; the resource's first where absent. */
  readonly account?: string
  readonly credential: LoginCredential
  /** `host:port` of the client. */
  readonly clientAddress: string
  readonly clientApplication?: string
}

/** Says something to the waiting user, in the protocol's own way. */
export type Tell = (notice: string) => void

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
  /**
   * Whether such a key may be of use, so that a client that has several goes on to the next. Says nothing of the resource.
   * @throws Fault gateway/store-unavailable
   */
  accepts(key: OfferedKey, clientAddress: string): Promise<boolean>
  /** @throws Fault gateway/store-unavailable */
  signIn(clientAddress: string): Promise<DeviceSignIn | Refusal>
  /** For a client that has no token yet and asks where to get one, which is no failed log-in: so often from one address, and then a Refusal. */
  authorizationServer(clientAddress: string): Promise<AuthorizationServer | Refusal>
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
  /**
   * Who watches. What a permit asks to be watched ({@link Permit.obligations}) pauses while they are not all there, and goes on when
   * they are: what takes a moment may be left to its end, and the next operation waits for them.
   */
  readonly audience: Audience
  /** Aborts on kill, revocation, expiry and drain. Its `reason` is a Refusal or a Fault: word it and close. */
  readonly signal: AbortSignal
  /**
   * Raw bytes to the target, through whichever agent serves it. `end()` half-closes; `destroy(error)` resets.
   * @param signal in place of the session's own, for what must be done when that has aborted
   * @throws Fault gateway/no-agent, gateway/agent-refused, target/unreachable, target/too-slow
   */
  dial(signal?: AbortSignal): Promise<Duplex>
  /**
   * What to log in to the target with. Never logged, never sent downstream. The same each time where it was made for this session.
   * @throws Fault gateway/no-credential
   */
  credential(): Promise<UpstreamCredential>
  /**
   * Decides, has reviewed where policy asks, waits for who must watch, records. Synchronous when the answer is known, which is the hot path.
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
  /**
   * Records what passes while a permitted operation goes on, and shows it to whoever watches. Hot path.
   * @throws Fault gateway/cannot-record
   */
  note(passage: Passage): void
  finish(permit: Permit, outcome: Outcome): void
  /** How the session ended, for its last event: `client-left`, `target-left`, or a code. Bytes as the relay counted them. */
  ended(reason: string, bytesUp: number, bytesDown: number): void
}
