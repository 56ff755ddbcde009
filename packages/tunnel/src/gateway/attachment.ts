import { status, type ServerDuplexStream } from '@grpc/grpc-js'
import { Fault, Secret, type Clock, type UpstreamCredential } from '@sallyport/core'
import type { AgentEvent, Failure } from '@sallyport/proto'
import type { DetachReason, TunnelEvent } from '../events.ts'
import { agentLost, faultOf } from '../failure.ts'
import type { TunnelLimits } from '../limits.ts'
import { endWith, type CommandInit } from './calls.ts'

/** Who attached, from where. */
export interface AttachedAs {
  readonly id: string
  readonly pool: string
  readonly name: string
  /** Of its process: see Hello. Base64. */
  readonly instance: string
  readonly version: string
  /** `host:port`. */
  readonly address: string
}

/** Which of how many processes of the gateway this is, counted from 1; both 0 where there is one. */
export interface Place {
  readonly process: number
  readonly processes: number
}

/** What an attachment needs of the others. */
export interface AttachmentParts {
  readonly limits: TunnelLimits
  readonly place: Place
  readonly clock: Clock
  readonly onEvent: (event: TunnelEvent) => void
  readonly onDialFailed: (agent: string, ticket: Uint8Array, failure: Failure) => void
  readonly onEnd: (attachment: Attachment, why: DetachReason) => void
}

/** One agent's control stream, from its welcome to its end: commands out, answers in, a ping every so often. */
export class Attachment {
  readonly as: AttachedAs
  readonly attachedAtMs: number
  readonly #call: ServerDuplexStream<AgentEvent, CommandInit>
  readonly #parts: AttachmentParts
  readonly #pings: NodeJS.Timeout
  readonly #credentials = new Map<bigint, PromiseWithResolvers<UpstreamCredential>>()
  #pingSentAtMs = 0
  #lastPing = 0n
  #lastRequest = 0n
  #heardAtMs: number
  #rttMs: number | undefined
  #isDraining = false
  #isOver = false

  constructor(call: ServerDuplexStream<AgentEvent, CommandInit>, as: AttachedAs, parts: AttachmentParts) {
    this.#call = call
    this.as = as
    this.#parts = parts
    this.attachedAtMs = parts.clock.now()
    this.#heardAtMs = parts.clock.elapsed()
    call
      .on('data', this.#onEvent)
      // A broken connection ends the stream too: an agent that leaves says so first.
      .on('end', () => this.end(this.#isDraining ? 'left' : 'lost'))
      .on('cancelled', () => this.end('lost'))
      .on('error', () => this.end('lost'))
      .resume()
    this.send({ case: 'welcome', value: { pingIntervalMs: parts.limits.pingIntervalMs, ...parts.place } })
    this.#ping()
    this.#pings = setInterval(() => this.#contain(() => this.#ping()), parts.limits.pingIntervalMs)
  }

  /** Round trip of the last ping that was answered. */
  get rttMs(): number | undefined {
    return this.#rttMs
  }

  /** The agent takes no new connections. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** It gave a sign of life lately. */
  get isAlive(): boolean {
    return this.#parts.clock.elapsed() - this.#heardAtMs <= this.#parts.limits.deadAfterMs
  }

  send(command: NonNullable<CommandInit['command']>): void {
    if (this.#isOver) return
    if (this.#call.writableLength >= this.#parts.limits.commandsWaiting) return this.end('not-reading')
    this.#call.write({ command })
  }

  /** @throws Fault gateway/no-credential, gateway/agent-lost */
  async releaseCredential(
    request: { readonly name: string; readonly resource: string; readonly session: string },
    signal: AbortSignal,
  ): Promise<UpstreamCredential> {
    const id = ++this.#lastRequest
    const answer = Promise.withResolvers<UpstreamCredential>()
    const giveUp = (): void => answer.reject(agentLost(signal.reason))
    const timer = setTimeout(giveUp, this.#parts.limits.credentialMs)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#credentials.set(id, answer)
    if (this.#isOver || signal.aborted) giveUp()
    else this.send({ case: 'credential', value: { id, ...request } })
    try {
      return await answer.promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      this.#credentials.delete(id)
    }
  }

  end(why: DetachReason): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#pings)
    this.#call.off('data', this.#onEvent).resume()
    for (const answer of this.#credentials.values()) answer.reject(agentLost())
    const code = endings[why]
    if (code === status.OK) this.#call.end()
    else endWith(this.#call, code, why)
    this.#contain(() => this.#parts.onEnd(this, why))
  }

  #ping(): void {
    if (!this.isAlive) return this.end('silent')
    this.#pingSentAtMs = this.#parts.clock.elapsed()
    this.send({ case: 'ping', value: { id: ++this.#lastPing } })
  }

  readonly #onEvent = (message: AgentEvent): void => this.#contain(() => this.#take(message))

  /** The boundary: what is thrown from an event or a timer, nobody else would catch. */
  #contain(run: () => void): void {
    try {
      run()
    } catch (cause) {
      this.end('failed')
      this.#parts.onEvent({ kind: 'agent-failed', agent: this.as.id, cause })
    }
  }

  #take({ event }: AgentEvent): void {
    this.#heardAtMs = this.#parts.clock.elapsed()
    switch (event.case) {
      case 'pong':
        if (event.value.id !== this.#lastPing) return
        this.#rttMs = this.#heardAtMs - this.#pingSentAtMs
        this.#parts.onEvent({ kind: 'agent-rtt', agent: this.as.id, rttMs: this.#rttMs })
        return
      case 'dialFailed':
        return this.#parts.onDialFailed(this.as.id, event.value.ticket, event.value.failure)
      case 'credential': {
        const { id, answer } = event.value
        const asked = this.#credentials.get(id)
        const released =
          answer.case === 'credential'
            ? credentialOf(answer.value)
            : answer.case === 'failure'
              ? faultOf(answer.value)
              : agentLost()
        if (released instanceof Fault) asked?.reject(released)
        else asked?.resolve(released)
        return
      }
      case 'drain':
        this.#isDraining = true
        return
      case 'hello':
      case undefined:
        return this.end('out-of-order')
    }
  }
}

/** A Fault is returned, not thrown: an agent's answer comes as an event, where nobody would catch it. */
function credentialOf(value: { user: string; password?: string | undefined }): UpstreamCredential | Fault {
  const { user, password } = value
  if (user === '') return new Fault('gateway/no-credential', 'the agent gave a credential without a user')
  return password === undefined ? { user } : { user, password: new Secret(password) }
}

const endings: Readonly<Record<DetachReason, status>> = {
  left: status.OK,
  lost: status.CANCELLED,
  silent: status.DEADLINE_EXCEEDED,
  'not-reading': status.RESOURCE_EXHAUSTED,
  'out-of-order': status.INVALID_ARGUMENT,
  failed: status.INTERNAL,
  replaced: status.OK,
  cut: status.PERMISSION_DENIED,
  'gateway-closing': status.UNAVAILABLE,
}
