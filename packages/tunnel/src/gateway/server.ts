import { randomBytes } from 'node:crypto'
import { Server, status } from '@grpc/grpc-js'
import { asFault, Fault, systemClock, type Clock, type UpstreamCredential } from '@sallyport/core'
import { addService, Enrolment, Tunnel } from '@sallyport/proto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { enrolmentService } from '../enrolment/server.ts'
import type { TunnelEvent } from '../events.ts'
import { agentLost } from '../failure.ts'
import { defaultLimits, type TunnelLimits } from '../limits.ts'
import { acceptConnection } from './accept.ts'
import { Agents, type AttachedAgent } from './agents.ts'
import { attachAgent } from './attach.ts'
import { endWith } from './calls.ts'
import { Dialer, type DialRequest, type PendingDial } from './dialer.ts'
import type { AgentAuthority, AgentDirectory, EnrolledAgent } from './directory.ts'
import type { Place } from './attachment.ts'
import { AgentPort, serverOptions, type PortCertificate } from './port.ts'
import { Tickets } from './tickets.ts'

export interface AgentServerOptions {
  /** 0 for any free one. Absent for a process that is passed its connections: see {@link AgentServer.take}. */
  readonly listen?: { readonly host: string; readonly port: number }
  /** Where this is one of several processes. */
  readonly place?: Place
  readonly certificate: PortCertificate
  readonly authority: AgentAuthority
  readonly directory: AgentDirectory
  readonly onEvent: (event: TunnelEvent) => void
  readonly clock?: Clock
  readonly limits?: Partial<TunnelLimits>
}

export interface CredentialRequest {
  readonly pool: string
  /** As the agent's configuration calls it. */
  readonly name: string
  readonly resource: string
  readonly session: string
}

/** The gateway's end of the tunnel. */
export interface AgentServer extends AsyncDisposable {
  /** 0 where it does not listen. */
  readonly port: number
  /**
   * Serves a connection that was accepted elsewhere.
   * @param head what it has said already
   */
  take(socket: Socket, head: Buffer): void
  /**
   * Connects to a target through an agent of a pool. `end()` half-closes, `destroy(error)` resets; the stream's errors are Faults.
   * @throws Fault gateway/no-agent, gateway/agent-refused, gateway/agent-lost, gateway/overloaded, gateway/draining,
   * target/unreachable, target/too-slow
   */
  dial(request: DialRequest, signal: AbortSignal): Promise<Duplex>
  /**
   * Has an agent release a credential that it holds, for one log-in.
   * @throws Fault gateway/no-agent, gateway/no-credential, gateway/agent-lost
   */
  releaseCredential(request: CredentialRequest, signal: AbortSignal): Promise<UpstreamCredential>
  attached(): readonly AttachedAgent[]
  /** Ends an agent's control stream, connections and TCP connections at once. Revoke it first, or it comes back. */
  cut(agentId: string): void
  /** Takes no more dials, tells the agents, waits until no connection is left, and after `ms` resets those that are. */
  drain(ms: number): Promise<void>
  /** Another certificate, for connections made from now on. */
  useCertificate(certificate: PortCertificate): void
}

/** Opens the gateway's end. @throws Error where it cannot listen, or its HTTP/2 windows are not what they should be */
export async function listenForAgents(options: AgentServerOptions): Promise<AgentServer> {
  const gateway = new Gateway(options)
  try {
    await gateway.open()
    return gateway
  } catch (thrown) {
    await gateway[Symbol.asyncDispose]()
    throw thrown
  }
}

class Gateway implements AgentServer {
  readonly #options: AgentServerOptions
  readonly #agents: Agents
  readonly #dialer: Dialer
  readonly #port: AgentPort
  readonly #recheck: NodeJS.Timeout
  #boundPort = 0
  #isDraining = false

  constructor(options: AgentServerOptions) {
    this.#options = options
    const limits = { ...defaultLimits, ...options.limits }
    const { directory, authority, onEvent } = options
    const clock = options.clock ?? systemClock
    const agents = (this.#agents = new Agents(limits.streamsPerAgent))
    const tickets = new Tickets<PendingDial>({
      lifetimeMs: limits.ticketMs,
      elapsed: () => clock.elapsed(),
      random: randomBytes,
    })
    this.#dialer = new Dialer({ agents, tickets, limits, clock, onEvent })
    const grpc = new Server(serverOptions(limits))
    const onCloned = this.#onCloned
    const accepting = { agents, tickets, limits, clock, onEvent }
    this.#port = new AgentPort(
      grpc,
      (stream, caller) => acceptConnection(stream, caller, accepting),
      options.certificate,
      authority.certificate,
      limits,
    )
    const { place = alone } = options
    const attaching = { ...accepting, place, directory, onCloned, isDraining: () => this.#isDraining }
    addService(grpc, Tunnel, {
      attach: (call) => {
        attachAgent(call, this.#port.caller(call.metadata), attaching).catch((cause: unknown) => {
          onEvent({ kind: 'directory-failed', cause })
          endWith(call, status.UNAVAILABLE, 'try again')
        })
      },
      // Those that are gRPC calls the port takes itself.
      carry: (call) => endWith(call, status.UNIMPLEMENTED, 'not a gRPC call'),
    })
    addService(
      grpc,
      Enrolment,
      enrolmentService(
        { authority, directory, atOnce: limits.enrolments, now: () => clock.now(), onEvent, onCloned },
        (metadata) => this.#port.caller(metadata),
      ),
    )
    this.#recheck = setInterval(() => void this.#recheckAgents(), limits.recheckMs)
  }

  get port(): number {
    return this.#boundPort
  }

  async open(): Promise<void> {
    const { listen } = this.#options
    if (listen === undefined) return this.#port.probe()
    this.#boundPort = await this.#port.listen(listen.host, listen.port)
  }

  take(socket: Socket, head: Buffer): void {
    if (head.length > 0) socket.unshift(head)
    this.#port.take(socket)
  }

  dial(request: DialRequest, signal: AbortSignal): Promise<Duplex> {
    if (this.#isDraining) return Promise.reject(draining())
    return this.#dialer.dial(request, signal)
  }

  async releaseCredential(request: CredentialRequest, signal: AbortSignal): Promise<UpstreamCredential> {
    const { pool, ...asked } = request
    let fault = new Fault('gateway/no-agent', 'no agent that may hold this credential is attached')
    for (const attachment of this.#agents.attachments) {
      if (attachment.as.pool !== pool) continue
      try {
        return await attachment.releaseCredential(asked, signal)
      } catch (thrown) {
        fault = asFault(thrown)
        if (signal.aborted) break
      }
    }
    throw fault
  }

  attached(): readonly AttachedAgent[] {
    return this.#agents.list()
  }

  cut(agentId: string): void {
    const streams = this.#agents.cut(agentId, 'cut', agentLost())
    this.#port.cutConnections(agentId)
    this.#options.onEvent({ kind: 'agent-cut', agent: agentId, streams })
  }

  async drain(ms: number): Promise<void> {
    this.#isDraining = true
    for (const attachment of this.#agents.attachments) attachment.send({ case: 'drain', value: {} })
    const timer = setTimeout(() => {
      for (const stream of this.#agents.streams) stream.destroy(draining())
    }, ms)
    // A dial that was under way may still bring one.
    for (let open = this.#agents.streams; open.length > 0; open = this.#agents.streams)
      await Promise.all(open.map(closed))
    clearTimeout(timer)
  }

  useCertificate(certificate: PortCertificate): void {
    this.#port.useCertificate(certificate, this.#options.authority.certificate)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDraining = true
    clearInterval(this.#recheck)
    for (const id of this.#agents.ids) this.#agents.cut(id, 'gateway-closing', draining())
    await this.#port[Symbol.asyncDispose]()
  }

  readonly #onCloned = async (agent: EnrolledAgent, address: string): Promise<void> => {
    this.#options.onEvent({ kind: 'key-cloned', agent: agent.id, pool: agent.pool, address })
    try {
      await this.#options.directory.revoke(agent.id, 'an old key was used: it was copied')
    } finally {
      // Whoever asked gets its answer before its connection goes.
      setImmediate(() => this.#cutSafely(agent.id))
    }
  }

  /** Where nobody waits for it, nobody else would catch what is thrown. */
  #cutSafely(agentId: string): void {
    try {
      this.cut(agentId)
    } catch (cause) {
      this.#options.onEvent({ kind: 'agent-failed', agent: agentId, cause })
    }
  }

  /** An agent that was revoked where nobody called `cut` goes at the next look. */
  async #recheckAgents(): Promise<void> {
    for (const id of this.#agents.ids) {
      try {
        const agent = await this.#options.directory.find(id)
        if (agent === undefined || agent.isRevoked) this.cut(id)
      } catch (cause) {
        this.#options.onEvent({ kind: 'directory-failed', cause })
      }
    }
  }
}

const alone: Place = { process: 0, processes: 0 }

function draining(): Fault {
  return new Fault('gateway/draining', 'the gateway is shutting down')
}

function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => void stream.once('close', resolve))
}
