import { asFault, Fault, type Clock } from '@sallyport/core'
import type { CarriedStream } from '../carry.ts'
import type { TunnelEvent } from '../events.ts'
import { agentLost } from '../failure.ts'
import type { TunnelLimits } from '../limits.ts'
import type { Agents } from './agents.ts'
import type { Attachment } from './attachment.ts'
import type { Tickets } from './tickets.ts'

/** What a session asks to be connected to. */
export interface DialRequest {
  readonly pool: string
  readonly resource: string
  readonly session: string
  readonly host: string
  readonly port: number
}

/** A dial that waits for its agent. */
export interface PendingDial {
  readonly request: DialRequest
  readonly startedAtMs: number
  arrive(stream: CarriedStream): void
  /** Without a fault: the agent is gone. */
  fail(fault?: Fault): void
}

/** Has agents dial. Another agent of the pool is asked where one fails, since nothing was forwarded yet. */
export class Dialer {
  readonly #agents: Agents
  readonly #tickets: Tickets<PendingDial>
  readonly #limits: TunnelLimits
  readonly #clock: Clock
  readonly #onEvent: (event: TunnelEvent) => void

  constructor(parts: {
    readonly agents: Agents
    readonly tickets: Tickets<PendingDial>
    readonly limits: TunnelLimits
    readonly clock: Clock
    readonly onEvent: (event: TunnelEvent) => void
  }) {
    this.#agents = parts.agents
    this.#tickets = parts.tickets
    this.#limits = parts.limits
    this.#clock = parts.clock
    this.#onEvent = parts.onEvent
  }

  /** @throws Fault as of the last agent tried */
  async dial(request: DialRequest, signal: AbortSignal): Promise<CarriedStream> {
    const tried = new Set<string>()
    let fault: Fault | undefined
    for (let attempt = 1; attempt <= this.#limits.attempts; attempt++) {
      if (signal.aborted) throw ended(signal)
      const agent = this.#agents.choose(request.pool, tried)
      if (agent === 'none' || agent === 'full') throw fault ?? absent(agent)
      tried.add(agent.as.id)
      try {
        return await this.#attempt(agent, request, signal)
      } catch (thrown) {
        fault = asFault(thrown)
        const { resource, session } = request
        this.#onEvent({
          kind: 'dial-failed',
          agent: agent.as.id,
          resource,
          session,
          code: fault.code,
          attempt,
        })
      }
    }
    throw fault ?? absent('none')
  }

  async #attempt(agent: Attachment, request: DialRequest, signal: AbortSignal): Promise<CarriedStream> {
    const outcome = Promise.withResolvers<CarriedStream>()
    const ticket = this.#tickets.issue(agent.as.id, {
      request,
      startedAtMs: this.#clock.elapsed(),
      arrive: outcome.resolve,
      fail: (fault) => outcome.reject(fault ?? agentLost()),
    })
    // Withdrawn first, so that a connection that still arrives finds nobody's promise.
    const giveUp = (fault: Fault): void => {
      this.#tickets.withdraw(ticket)
      outcome.reject(fault)
    }
    const onAbort = (): void => giveUp(ended(signal))
    const timer = setTimeout(
      () => giveUp(new Fault('gateway/agent-lost', 'the agent did not answer in time')),
      this.#limits.openMs,
    )
    signal.addEventListener('abort', onAbort, { once: true })
    const { resource, session, host, port } = request
    // The agent gives up a little earlier, so that it is the one to say why.
    const timeoutMs = Math.floor(this.#limits.openMs * 0.8)
    agent.send({ case: 'dial', value: { ticket, resource, session, host, port, timeoutMs } })
    try {
      return await outcome.promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      this.#tickets.withdraw(ticket)
    }
  }
}

function absent(why: 'none' | 'full'): Fault {
  return why === 'none'
    ? new Fault('gateway/no-agent', 'no agent that can reach this target is attached')
    : new Fault('gateway/overloaded', 'the agents that can reach this target carry all they may')
}

function ended(signal: AbortSignal): Fault {
  const reason: unknown = signal.reason
  return reason instanceof Fault
    ? reason
    : new Fault('client/gone', 'the session ended before its target was reached')
}
