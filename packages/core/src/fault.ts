/** Who broke what. The prefix says who is to blame. A closed union: each protocol has words for each code. */
export type FaultCode =
  | 'client/malformed'
  | 'client/out-of-order'
  | 'client/too-large'
  | 'client/too-slow'
  | 'client/tls-required'
  | 'client/unsupported'
  | 'client/gone'
  | 'target/unreachable'
  | 'target/bad-certificate'
  | 'target/bad-host-key'
  | 'target/login-failed'
  | 'target/malformed'
  | 'target/too-slow'
  | 'target/closed'
  | 'gateway/no-agent'
  | 'gateway/agent-refused'
  | 'gateway/agent-lost'
  | 'gateway/no-credential'
  | 'gateway/credential-lost'
  | 'gateway/cannot-record'
  | 'gateway/store-unavailable'
  | 'gateway/overloaded'
  | 'gateway/draining'
  | 'gateway/internal'

/** Something broke: thrown; ends the session. `shown` may leave the house, `cause` may not. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  /** One line, safe to show to the client: no address, no credential, no data. */
  readonly shown: string

  constructor(code: FaultCode, shown: string, options?: { cause?: unknown }) {
    super(`${code}: ${shown}`, options)
    this.code = code
    this.shown = shown
  }
}

/** Any thrown thing as a Fault: what is not one is a bug of ours, and says nothing to the client. */
export function asFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  return new Fault('gateway/internal', 'the gateway failed; the operators have the details', {
    cause: thrown,
  })
}
