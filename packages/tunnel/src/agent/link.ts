import { setTimeout as sleep } from 'node:timers/promises'
import { constants as http2 } from 'node:http2'
import type { UpstreamCredential } from '@sallyport/core'
import { Failure } from '@sallyport/proto'
import { CarriedStream, CarryCall } from '../carry.ts'
import { agentLost, DialFailure, failureOf, faultOf } from '../failure.ts'
import { defaultLimits } from '../limits.ts'
import { retryDelayMs } from './backoff.ts'
import { tunnelClient } from './channel.ts'
import { Control, type Command, type ControlEnd, type Welcomed } from './control.ts'
import { join, reach, type Allow } from './dial.ts'
import type { HeldIdentity } from './identity.ts'
import { Traffic, type Place } from './traffic.ts'

/** What happens at the agent's end of a link, for its log. Nothing in it is secret. */
export type LinkEvent =
  /** `process`: which one of the gateway, where it has several. */
  | { readonly kind: 'attached'; readonly process?: number }
  | {
      readonly kind: 'detached'
      readonly process?: number
      readonly why: ControlEnd['kind']
      readonly details: string
      readonly retryInMs: number | undefined
    }
  | { readonly kind: 'gateway-draining' }
  | { readonly kind: 'dialled'; readonly resource: string; readonly session: string; readonly tookMs: number }
  | {
      readonly kind: 'dial-failed'
      readonly resource: string
      readonly session: string
      readonly failure: keyof typeof Failure
      readonly cause: unknown
    }
  | {
      readonly kind: 'credential-released' | 'credential-refused'
      readonly name: string
      readonly resource: string
      readonly session: string
    }

/** What the gateway asks a credential for. */
export interface HeldCredentialRequest {
  readonly name: string
  readonly resource: string
  readonly session: string
}

export interface LinkOptions {
  /** `host:port` of a gateway's agents' port. */
  readonly gateway: string
  readonly identity: HeldIdentity
  /** 16 random bytes, the same for all links of this process. */
  readonly instance: Uint8Array
  readonly version: string
  readonly allow: Allow
  /** A credential that this agent holds for that resource; undefined where it holds none. */
  readonly credential: (
    request: HeldCredentialRequest,
  ) => UpstreamCredential | undefined | Promise<UpstreamCredential | undefined>
  readonly onEvent: (event: LinkEvent) => void
  /** How long connections may go on once `signal` aborted. */
  readonly drainMs: number
  /** Ends that time early. */
  readonly hurry?: AbortSignal
  readonly streams?: number
  /** The round trip to the gateway from which on several connections carry. */
  readonly distantMs?: number
  /** 0 to 1; for the jitter of reconnects. */
  readonly random?: () => number
}

/** Keeps an agent attached to one process of a gateway, again and again. */
export class Link implements AsyncDisposable {
  readonly #options: LinkOptions
  readonly #onWelcomed: (where: Welcomed) => void
  /** The process of the gateway; any while it is undefined. */
  process: number | undefined
  readonly #streams = new Set<CarriedStream>()
  #traffic: Traffic | undefined
  #isLeaving = false

  /** @param onWelcomed may set {@link process}: what follows goes there */
  constructor(options: LinkOptions, process: number | undefined, onWelcomed: (where: Welcomed) => void) {
    this.#options = options
    this.process = process
    this.#onWelcomed = onWelcomed
  }

  /** Until `signal` aborts and its connections have ended. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { random = Math.random, onEvent } = this.#options
    const aborted = new Promise<'aborted'>((resolve) => {
      signal.addEventListener('abort', () => resolve('aborted'), { once: true })
      if (signal.aborted) resolve('aborted')
    })
    let reachedMs = performance.now()
    while (!signal.aborted) {
      const control = await this.#open()
      const opened = await Promise.race([control.welcomed, aborted])
      if (opened === 'aborted') control.close()
      else if (opened !== undefined) {
        this.#onWelcomed(opened)
        this.#connectTraffic()
        onEvent({ kind: 'attached', ...this.#where })
      }
      const end = await this.#keep(control, aborted)
      if (typeof opened === 'object') reachedMs = performance.now()
      const retryInMs = signal.aborted ? undefined : retryDelayMs(performance.now() - reachedMs, random)
      onEvent({ kind: 'detached', ...this.#where, why: end.kind, details: end.details, retryInMs })
      await sleep(retryInMs ?? 0, undefined, { signal }).catch(() => {})
    }
  }

  /** Until the control stream ends, or that of a renewed certificate that took its place. */
  async #keep(first: Control, aborted: Promise<'aborted'>): Promise<ControlEnd> {
    let control = first
    for (;;) {
      const renewed = this.#options.identity.replaced.then(() => 'renewed' as const)
      const next = await Promise.race([control.ended, aborted, renewed])
      if (next === 'aborted') {
        await this.#drain(control)
        control.close()
        return control.ended
      }
      if (next !== 'renewed') return next
      // The new one stands before the old one goes; where it does not come to stand, the old one stays.
      const successor = await this.#open()
      const opened = await Promise.race([successor.welcomed, aborted])
      if (opened !== undefined && opened !== 'aborted') {
        control.close()
        control = successor
        this.#connectTraffic()
      } else successor.close()
    }
  }

  #open(): Promise<Control> {
    const { gateway, identity, instance, version } = this.#options
    const obey = (command: Command, control: Control): void => {
      this.#obey(command, control).catch(() => control.close())
    }
    return identity.attempt(
      (credentials) =>
        new Control(tunnelClient(gateway, credentials, this.process), { instance, version }, obey),
    )
  }

  get #where(): { readonly process?: number } {
    return this.process === undefined ? {} : { process: this.process }
  }

  async #obey(command: Command, control: Control): Promise<void> {
    switch (command.case) {
      case 'dial':
        return this.#dial(command.value, control)
      case 'credential':
        return this.#release(command.value, control)
      case 'drain':
        return this.#options.onEvent({ kind: 'gateway-draining' })
      case 'welcome':
      case 'ping':
        return
    }
  }

  async #dial(dial: Extract<Command, { case: 'dial' }>['value'], control: Control): Promise<void> {
    const { allow, onEvent, streams = defaultLimits.streamsPerAgent } = this.#options
    const { resource, session, ticket } = dial
    const startedAtMs = performance.now()
    let place: Place | undefined
    try {
      if (this.#isLeaving || this.#streams.size >= streams)
        throw new DialFailure(Failure.AGENT_BUSY, 'this agent takes no more connections')
      place = await this.#connectTraffic().reserve()
      const timeoutMs = dial.timeoutMs - (performance.now() - startedAtMs)
      const socket = await reach({ host: dial.host, port: dial.port, timeoutMs }, allow)
      try {
        join(socket, this.#carry(dial, place))
      } catch (thrown) {
        socket.destroy()
        throw thrown
      }
      onEvent({ kind: 'dialled', resource, session, tookMs: performance.now() - startedAtMs })
    } catch (cause) {
      place?.giveUp()
      const failure = failureOf(cause)
      control.send({ case: 'dialFailed', value: { ticket, failure } })
      onEvent({ kind: 'dial-failed', resource, session, failure: nameOf(failure), cause })
    }
  }

  #carry({ ticket, timeoutMs }: Extract<Command, { case: 'dial' }>['value'], place: Place): CarriedStream {
    const stream = place.carry()
    const call = new CarryCall(stream)
    call.writeSign({ kind: 'ticket', ticket })
    const carried = new CarriedStream({
      call,
      cut: (why) => {
        if (!(why instanceof DialFailure)) return stream.close(http2.NGHTTP2_CANCEL)
        call.writeSign({ kind: 'reset', failure: why.failure })
        stream.end()
        // Behind data that the gateway does not read, the reset would wait for ever.
        const timer = setTimeout(() => stream.close(http2.NGHTTP2_CANCEL), resetMs)
        stream.once('close', () => clearTimeout(timer))
      },
      lost: agentLost,
      reset: faultOf,
    })
    // The gateway answers a good ticket with headers. Without them nobody waits for this connection any more.
    const timer = setTimeout(() => carried.destroy(agentLost()), timeoutMs)
    stream.once('response', () => clearTimeout(timer))
    this.#streams.add(carried)
    carried.once('close', () => {
      clearTimeout(timer)
      this.#streams.delete(carried)
    })
    return carried
  }

  async #release(
    request: Extract<Command, { case: 'credential' }>['value'],
    control: Control,
  ): Promise<void> {
    const { id, name, resource, session } = request
    let held: UpstreamCredential | undefined
    try {
      held = await this.#options.credential({ name, resource, session })
    } catch {
      // Why it cannot be read is for the agent's own log, which its source writes.
      held = undefined
    }
    const asked = { name, resource, session }
    this.#options.onEvent({
      kind: held === undefined ? 'credential-refused' : 'credential-released',
      ...asked,
    })
    if (held === undefined)
      return control.send({
        case: 'credential',
        value: { id, answer: { case: 'failure', value: Failure.NO_CREDENTIAL } },
      })
    const { user, password } = held
    const value = password === undefined ? { user } : { user, password: password.reveal() }
    control.send({ case: 'credential', value: { id, answer: { case: 'credential', value } } })
  }

  /** The traffic connections, with the credentials of now. Those that were replaced end with what they carry. */
  #connectTraffic(): Traffic {
    const { gateway, identity, distantMs } = this.#options
    const credentials = identity.current
    const { process } = this
    if (this.#traffic?.credentials === credentials && this.#traffic.process === process) return this.#traffic
    this.#traffic?.close()
    this.#traffic = new Traffic(gateway, credentials, process, distantMs)
    this.#traffic.connect()
    return this.#traffic
  }

  async #drain(control: Control): Promise<void> {
    this.#isLeaving = true
    control.send({ case: 'drain', value: {} })
    if (this.#streams.size === 0) return
    const { drainMs, hurry } = this.#options
    const idle = new AbortController()
    const ended = (async () => {
      while (this.#streams.size > 0) await Promise.all([...this.#streams].map(closed))
      idle.abort()
    })()
    const patience = sleep(drainMs, undefined, {
      signal: AbortSignal.any(hurry ? [idle.signal, hurry] : [idle.signal]),
    })
    await Promise.race([ended, patience.catch(() => {})])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ending = [...this.#streams].map(closed)
    for (const stream of this.#streams)
      stream.destroy(new DialFailure(Failure.CANCELLED, 'the agent is leaving'))
    await Promise.all(ending)
    this.#traffic?.close()
  }
}

function closed(stream: CarriedStream): Promise<void> {
  return new Promise((resolve) => void stream.once('close', resolve))
}

function nameOf(failure: Failure): keyof typeof Failure {
  for (const [name, value] of Object.entries(Failure))
    if (value === failure) return name as keyof typeof Failure
  return 'UNSPECIFIED'
}

const resetMs = 2_000
