import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { StatusObject } from '@grpc/grpc-js'
import { systemClock, type Clock, type UpstreamCredential } from '@sallyport/core'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ChunkSchema, GatewayCommand } from '@sallyport/proto'
import { tunnelClient, type TunnelClient } from '../src/agent/channel.ts'
import type { Frame } from '../src/chunk.ts'
import {
  attach,
  enrol,
  formatJoinToken,
  HeldIdentity,
  listenForAgents,
  newJoinSecret,
  newKey,
  parseJoinToken,
  type AgentCredentials,
  type AgentServer,
  type Allow,
  type JoinToken,
  type LinkEvent,
  type TunnelEvent,
  type TunnelLimits,
} from '../src/index.ts'
import { MemoryDirectory, testAuthority, type TestAuthority } from '../src/testing/index.ts'

/** A gateway's end of the tunnel on a free port, with what happened there. */
export class TestGateway implements AsyncDisposable {
  readonly server: AgentServer
  readonly directory: MemoryDirectory
  readonly authority: TestAuthority
  readonly events: TunnelEvent[]

  private constructor(
    server: AgentServer,
    directory: MemoryDirectory,
    authority: TestAuthority,
    events: TunnelEvent[],
  ) {
    this.server = server
    this.directory = directory
    this.authority = authority
    this.events = events
  }

  static async start(
    limits: Partial<TunnelLimits> = {},
    from?: { directory: MemoryDirectory; authority: TestAuthority; port?: number },
    clock: Clock = systemClock,
  ): Promise<TestGateway> {
    const authority = from?.authority ?? (await testAuthority())
    const directory = from?.directory ?? new MemoryDirectory()
    const events: TunnelEvent[] = []
    const server = await listenForAgents({
      listen: { host: '127.0.0.1', port: from?.port ?? 0 },
      certificate: await authority.server(),
      authority,
      directory,
      clock,
      limits,
      onEvent: (event) => void events.push(event),
    })
    return new TestGateway(server, directory, authority, events)
  }

  get address(): string {
    return `127.0.0.1:${this.server.port}`
  }

  joinToken(pool = 'shop', uses = 1): JoinToken {
    const secret = newJoinSecret()
    this.directory.addJoinToken(secret, pool, uses)
    const whole = formatJoinToken({ secret, authorityFingerprint: this.authority.fingerprint })
    const token = parseJoinToken(whole.reveal())
    if (token === undefined) throw new Error('a token that was just made')
    return token
  }

  enrol(pool = 'shop'): Promise<AgentCredentials> {
    return enrol({ gateway: this.address, token: this.joinToken(pool), name: 'host-1', privateKey: newKey() })
  }

  dial(port: number, signal = new AbortController().signal, pool = 'shop'): Promise<Duplex> {
    const request = { pool, resource: 'orders-db', session: 'ses_1', host: '127.0.0.1', port }
    return this.server.dial(request, signal)
  }

  /** Waits for an event that was or will be. */
  async saw<K extends TunnelEvent['kind']>(kind: K, count = 1): Promise<Extract<TunnelEvent, { kind: K }>> {
    const all = (): TunnelEvent[] => this.events.filter((event) => event.kind === kind)
    await until(() => all().length >= count, `${kind} at the gateway, of ${JSON.stringify(this.events)}`)
    // Filtered by kind just above.
    return all().at(-1) as Extract<TunnelEvent, { kind: K }>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
  }
}

/** An agent's end, attached, with what happened there. */
export class TestAgent implements AsyncDisposable {
  readonly identity: HeldIdentity
  readonly events: LinkEvent[] = []
  readonly #end = new AbortController()
  readonly #over: Promise<void>

  constructor(
    gateway: string,
    credentials: AgentCredentials,
    over: {
      allow?: Allow
      credential?: (request: { name: string; resource: string }) => UpstreamCredential | undefined
      drainMs?: number
      instance?: Uint8Array
      distantMs?: number
    } = {},
  ) {
    this.identity = new HeldIdentity(credentials)
    this.#over = attach(
      {
        gateway,
        identity: this.identity,
        instance: over.instance ?? randomBytes(16),
        version: 'test',
        allow: over.allow ?? ((host) => Promise.resolve([host])),
        credential: over.credential ?? (() => undefined),
        onEvent: (event) => void this.events.push(event),
        drainMs: over.drainMs ?? 0,
        distantMs: over.distantMs ?? 0,
        random: () => 0,
      },
      this.#end.signal,
    )
  }

  static async start(
    gateway: TestGateway,
    over: ConstructorParameters<typeof TestAgent>[2] & { pool?: string; through?: string } = {},
  ): Promise<TestAgent> {
    const attached = gateway.events.filter((event) => event.kind === 'agent-attached').length
    const agent = new TestAgent(over.through ?? gateway.address, await gateway.enrol(over.pool), over)
    await gateway.saw('agent-attached', attached + 1)
    return agent
  }

  async saw<K extends LinkEvent['kind']>(kind: K, count = 1): Promise<Extract<LinkEvent, { kind: K }>> {
    const all = (): LinkEvent[] => this.events.filter((event) => event.kind === kind)
    await until(() => all().length >= count, `${kind} at the agent, of ${JSON.stringify(this.events)}`)
    // Filtered by kind just above.
    return all().at(-1) as Extract<LinkEvent, { kind: K }>
  }

  leave(): void {
    this.#end.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leave()
    await this.#over
  }
}

/** A target that does as told with each connection. */
export class Target implements AsyncDisposable {
  readonly #server: Server
  readonly sockets: Socket[] = []
  port = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(onConnection: (socket: Socket) => void, allowHalfOpen = true): Promise<Target> {
    const server = createServer({ allowHalfOpen, noDelay: true })
    const target = new Target(server)
    server.on('connection', (socket) => {
      target.sockets.push(socket)
      socket.on('error', () => {})
      onConnection(socket)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    // A TCP server that listens on a host has an address of this kind.
    target.port = (server.address() as AddressInfo).port
    return target
  }

  static echo(): Promise<Target> {
    return Target.start((socket) => socket.pipe(socket))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** A TCP relay between agent and gateway whose connections can be cut, and can be slow. */
export class Cable implements AsyncDisposable {
  readonly #server: Server
  readonly #pairs: { readonly near: Socket; readonly far: Socket }[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  /** @param oneWayMs How much later what goes in comes out, either way, at whatever speed. */
  static async to(port: number, oneWayMs = 0): Promise<Cable> {
    const server = createServer({ noDelay: true })
    const cable = new Cable(server)
    server.on('connection', (near) => {
      const far = connect({ host: '127.0.0.1', port, noDelay: true })
      cable.#pairs.push({ near, far })
      near.on('error', () => far.destroy()).on('close', () => far.destroy())
      far.on('error', () => near.destroy()).on('close', () => near.destroy())
      if (oneWayMs === 0) {
        near.pipe(far)
        far.pipe(near)
        return
      }
      near.on('data', (chunk) => setTimeout(() => far.write(chunk), oneWayMs))
      far.on('data', (chunk) => setTimeout(() => near.write(chunk), oneWayMs))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return cable
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How many connections were made through it. */
  get connections(): number {
    return this.#pairs.length
  }

  /** Cuts the connections made so far, or one of them, in the order they were made. */
  cut(which?: number): void {
    for (const { near, far } of which === undefined ? this.#pairs : this.#pairs.slice(which, which + 1)) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }

  /** Takes no more connections; those that there are go on. */
  refuse(): void {
    this.#server.close()
  }

  /** Lets nothing through any more, and says nothing of it. */
  freeze(): void {
    for (const { near, far } of this.#pairs) {
      near.unpipe(far).pause()
      far.unpipe(near).pause()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

type Case = Exclude<GatewayCommand['command']['case'], undefined>

/** An agent that does what it should not: its calls are in the test's hands. */
export class RawAgent implements AsyncDisposable {
  readonly client: TunnelClient
  readonly commands: GatewayCommand['command'][] = []
  readonly control: ReturnType<TunnelClient['attach']>
  readonly ended: Promise<StatusObject>

  constructor(gateway: string, credentials: AgentCredentials, instance: Uint8Array = randomBytes(16)) {
    this.client = tunnelClient(gateway, credentials)
    this.control = this.client.attach()
    this.ended = new Promise((resolve) => this.control.once('status', resolve))
    this.control
      .on('error', () => {})
      .on('data', ({ command }: GatewayCommand) => this.commands.push(command))
    this.control.write({ event: { case: 'hello', value: { instance, version: 'raw' } } })
  }

  static async start(gateway: TestGateway, pool?: string): Promise<RawAgent> {
    const agent = new RawAgent(gateway.address, await gateway.enrol(pool))
    await agent.told('welcome')
    return agent
  }

  /** Waits for a command of a kind. */
  async told<K extends Case>(kind: K): Promise<Extract<GatewayCommand['command'], { case: K }>> {
    await until(() => this.commands.some((command) => command.case === kind), `the command ${kind}`)
    // Of that kind, as searched for.
    return this.commands.findLast((one) => one.case === kind) as Extract<
      GatewayCommand['command'],
      { case: K }
    >
  }

  /** Opens a Carry call with these frames, and says how it ends. */
  carry(...frames: readonly Frame[]): {
    call: ReturnType<TunnelClient['carry']>
    ended: Promise<StatusObject>
  } {
    const call = this.client.carry()
    call.on('error', () => {}).resume()
    for (const frame of frames) call.write(messageOf(frame))
    return { call, ended: new Promise((resolve) => call.once('status', resolve)) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.control.cancel()
    this.client.close()
    return Promise.resolve()
  }
}

/** As protobuf-es and grpc-js write it: the data path must understand any gRPC client. */
export function messageOf(frame: Frame): MessageInitShape<typeof ChunkSchema> {
  if (Buffer.isBuffer(frame)) return { frame: { case: 'data', value: frame } }
  switch (frame.kind) {
    case 'fin':
      return { frame: { case: 'fin', value: {} } }
    case 'reset':
      return { frame: { case: 'reset', value: { failure: frame.failure } } }
    case 'ticket':
      return { frame: { case: 'ticket', value: frame.ticket } }
  }
}

/** Polls until something that happens elsewhere has happened. */
export async function until(isSo: () => boolean, what: string, withinMs = 8_000): Promise<void> {
  for (const endsAtMs = performance.now() + withinMs; !isSo();) {
    if (performance.now() > endsAtMs) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Everything that a stream says until it ends. Rejects where it is reset. */
export async function everything(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The error that ends a stream. */
export async function errorOf(stream: Duplex): Promise<Error & { code?: string }> {
  const [error] = (await once(stream, 'error')) as [Error]
  return error
}
