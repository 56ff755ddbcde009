import { Fault } from '@sallyport/core'
import { Failure } from '@sallyport/proto'

/** What an agent's failure means to a session. */
export function faultOf(failure: Failure): Fault {
  switch (failure) {
    case Failure.UNREACHABLE:
      return new Fault('target/unreachable', 'the target could not be reached')
    case Failure.TOO_SLOW:
      return new Fault('target/too-slow', 'the target did not answer in time')
    case Failure.CLOSED:
      return new Fault('target/closed', 'the target reset the connection')
    case Failure.NOT_ALLOWED:
      return new Fault('gateway/agent-refused', "the agent's own allowlist does not name this target")
    case Failure.AGENT_BUSY:
      return new Fault('gateway/overloaded', 'the agent takes no more connections')
    case Failure.NO_CREDENTIAL:
      return new Fault('gateway/no-credential', 'the agent holds no such credential for this resource')
    case Failure.CANCELLED:
    case Failure.UNSPECIFIED:
    // A newer agent's failure is one all the same.
    // oxlint-disable-next-line no-fallthrough
    default:
      return agentLost()
  }
}

export function agentLost(cause?: unknown): Fault {
  return new Fault('gateway/agent-lost', 'the agent that carried this connection is gone', { cause })
}

/** A failure by which an agent may name a thrown thing of its own. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof DialFailure) return thrown.failure
  return Failure.CANCELLED
}

/** Why an agent could not make or keep a connection. */
export class DialFailure extends Error {
  override readonly name = 'DialFailure'
  readonly failure: Failure

  constructor(failure: Failure, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.failure = failure
  }
}
