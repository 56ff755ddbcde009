import { status, type ClientDuplexStream, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { AgentEventSchema, GatewayCommand } from '@sallyport/proto'
import type { TunnelClient } from './channel.ts'

/** What may be said on a control stream. */
export type AgentEventInit = MessageInitShape<typeof AgentEventSchema>
export type Command = Exclude<GatewayCommand['command'], { case: undefined }>

/** Where an agent was let in: at which of how many processes of the gateway, counted from 1; 0 where there is one. */
export interface Welcomed {
  readonly process: number
  readonly processes: number
}

/** How a control stream ended. `refused`: the gateway does not want this agent as it is. */
export interface ControlEnd {
  readonly kind: 'left' | 'lost' | 'refused' | 'silent'
  readonly details: string
}

/** The agent's end of one control stream. */
export class Control {
  readonly #call: ClientDuplexStream<AgentEventInit, GatewayCommand>
  readonly #client: TunnelClient
  readonly #onCommand: (command: Command, control: Control) => void
  readonly #welcomed = Promise.withResolvers<Welcomed | undefined>()
  readonly #ended = Promise.withResolvers<ControlEnd>()
  #silence: NodeJS.Timeout
  #isOver = false

  constructor(
    client: TunnelClient,
    hello: { readonly instance: Uint8Array; readonly version: string },
    onCommand: (command: Command, control: Control) => void,
  ) {
    this.#client = client
    this.#onCommand = onCommand
    this.#silence = setTimeout(this.#onSilence, welcomeMs)
    this.#call = client.attach()
    this.#call
      .on('data', this.#onMessage)
      .on('error', (error: ServiceError) => this.#end(endOf(error)))
      .on('status', (end: StatusObject) => this.#end(endOf(end)))
    this.send({ case: 'hello', value: hello })
  }

  /** Resolves once the gateway let the agent in, or, with undefined, where it ended before. */
  get welcomed(): Promise<Welcomed | undefined> {
    return this.#welcomed.promise
  }

  get ended(): Promise<ControlEnd> {
    return this.#ended.promise
  }

  send(event: NonNullable<AgentEventInit['event']>): void {
    if (!this.#isOver) this.#call.write({ event })
  }

  close(): void {
    this.#call.end()
    this.#end({ kind: 'left', details: '' })
  }

  readonly #onMessage = ({ command }: GatewayCommand): void => {
    this.#silence.refresh()
    switch (command.case) {
      case 'welcome':
        clearTimeout(this.#silence)
        this.#silence = setTimeout(this.#onSilence, 3 * Math.max(command.value.pingIntervalMs, 10))
        return this.#welcomed.resolve(command.value)
      case 'ping':
        return this.send({ case: 'pong', value: { id: command.value.id } })
      case undefined:
        // A newer gateway's command, which this agent cannot obey: the gateway waits for its answer in vain, and says so.
        return
      default:
        return this.#onCommand(command, this)
    }
  }

  readonly #onSilence = (): void => {
    this.#call.cancel()
    this.#end({ kind: 'silent', details: 'the gateway says nothing' })
  }

  #end(end: ControlEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#silence)
    this.#welcomed.resolve(undefined)
    this.#ended.resolve(end)
    this.#client.close()
  }
}

function endOf({ code, details }: Pick<StatusObject, 'code' | 'details'>): ControlEnd {
  if (code === status.OK) return { kind: 'left', details: 'the gateway ended the link' }
  return { kind: refusals.has(code) ? 'refused' : 'lost', details }
}

const refusals: ReadonlySet<status> = new Set([
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.ALREADY_EXISTS,
  status.INVALID_ARGUMENT,
])
/** For connecting, TLS and the gateway's answer. */
const welcomeMs = 15_000
