import { constants as openssl, type X509Certificate } from 'node:crypto'
import type {
  Http2SecureServer,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2'
import { createServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { Server, ServerCredentials, type Metadata } from '@grpc/grpc-js'
import type { Secret } from '@sallyport/core'
import { carryPath } from '../carry.ts'
import { maxMessageBytes, windows, type TunnelLimits } from '../limits.ts'
import { identityOf, processOfServerName, type AgentIdentity } from '../names.ts'
import { nextStreamWindow, probeWindows, withWindows } from '../windows.ts'

/** The certificate by which agents know the gateway: it has the URI name `gatewayUri`, and its authority's comes after it. */
export interface PortCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM. */
  readonly privateKey: Secret
}

/** Who calls, on which stream. */
export interface Caller {
  /** Undefined for a stranger: no certificate, or none of our authority, or none of an agent. */
  readonly identity: AgentIdentity | undefined
  /** `host:port`. */
  readonly address: string
  /** The process of the gateway that its connection asked for, by TLS server name; undefined for any. */
  readonly process: number | undefined
}

/**
 * The agents' port: TCP, TLS 1.3 and HTTP/2 under a grpc-js server, which is left out of the calls that carry. A client certificate is asked for, and its absence is allowed
 * for a short while, since enrolment has none to show.
 */
export class AgentPort implements AsyncDisposable {
  readonly #listener: TcpServer
  readonly #http: Http2SecureServer
  readonly #grpc: Server
  readonly #onCarry: (stream: ServerHttp2Stream, caller: Caller) => void
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Map<ServerHttp2Session, Connected>()
  readonly #streams = new Map<string, ServerHttp2Stream>()
  readonly #limits: TunnelLimits
  readonly #inject: (socket: Socket) => void
  #lastStream = 0

  constructor(
    grpc: Server,
    onCarry: (stream: ServerHttp2Stream, caller: Caller) => void,
    certificate: PortCertificate,
    authority: string,
    limits: TunnelLimits,
  ) {
    this.#grpc = grpc
    this.#onCarry = onCarry
    this.#limits = limits
    const credentials = ServerCredentials.createSsl(
      Buffer.from(authority),
      [
        {
          private_key: Buffer.from(certificate.privateKey.reveal()),
          cert_chain: Buffer.from(certificate.certificate),
        },
      ],
      true,
    )
    let inject: ((socket: Socket) => void) | undefined
    this.#http = withWindows(windows, tlsOptions(limits), () => {
      const injector = grpc.createConnectionInjector(credentials)
      inject = (socket) => injector.injectConnection(socket)
    })
    this.#http.on('session', this.#onSession)
    const onGrpc = this.#http.listeners('stream')
    this.#http.removeAllListeners('stream').on('stream', (stream, headers, ...more) => {
      this.#onStream(stream)
      if (isCarry(headers)) return this.#onCarry(stream, this.#callerOn(stream))
      // grpc-js shows neither stream nor connection of a call: each is given a number, in place of any the caller sent.
      headers[streamHeader] = this.#number(stream)
      for (const listener of onGrpc) listener(stream, headers, ...more)
    })
    // A stranger's broken handshake is nobody's error.
    this.#http.on('tlsClientError', (_error, socket) => socket.destroy())
    this.#inject = (socket) => inject?.(socket)
    this.#listener = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
      (socket) => this.take(socket),
    )
  }

  /** Serves a connection. */
  take(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#sockets.size >= this.#limits.connections) return void socket.destroy()
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    this.#inject(socket)
  }

  /** Looks at the windows without a port of its own. @throws Error where they are not what they should be */
  async probe(): Promise<void> {
    await this.listen('127.0.0.1', 0)
    await this.#close()
  }

  /** @throws Error where the address is taken, or where the windows are not what they should be */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen({ host, port }, () => {
        this.#listener.off('error', reject)
        resolve()
      })
    })
    // A TCP server that listens on a host has an address of this kind.
    const bound = this.#listener.address() as AddressInfo
    await probeWindows({ host: reachable(bound.address), port: bound.port }, windows)
    return bound.port
  }

  /** Who made this call. */
  caller(metadata: Metadata): Caller {
    return this.#callerOn(this.#streams.get(String(metadata.get(streamHeader)[0])))
  }

  #callerOn(stream: ServerHttp2Stream | undefined): Caller {
    const session = stream?.session
    // The port speaks TLS alone.
    const socket = session?.socket as (TLSSocket & { servername?: string | false }) | undefined
    const servername = socket?.servername
    return {
      identity:
        session === undefined ? undefined : this.#sessions.get(session as ServerHttp2Session)?.identity,
      process: processOfServerName(servername === false ? undefined : servername),
      address: `${socket?.remoteAddress ?? 'unknown'}:${socket?.remotePort ?? 0}`,
    }
  }

  /** Closes every connection of an agent, at once. */
  cutConnections(agent: string): void {
    for (const [session, { identity }] of this.#sessions) if (identity?.id === agent) session.destroy()
  }

  /** For connections made from now on. */
  useCertificate(certificate: PortCertificate, authority: string): void {
    this.#http.setSecureContext({
      ...tlsOptions(this.#limits),
      ca: authority,
      cert: certificate.certificate,
      key: certificate.privateKey.reveal(),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#grpc.forceShutdown()
    const closed = this.#close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #close(): Promise<void> {
    return new Promise((resolve) => this.#listener.close(() => resolve()))
  }

  readonly #onSession = (session: ServerHttp2Session): void => {
    const identity = identityIn(session)
    this.#sessions.set(session, { identity, streams: 0, window: windows.streamBytes })
    const timer =
      identity === undefined ? setTimeout(() => session.destroy(), this.#limits.strangerMs) : undefined
    session.on('error', () => {})
    session.once('close', () => {
      clearTimeout(timer)
      this.#sessions.delete(session)
    })
  }

  #onStream(stream: ServerHttp2Stream): void {
    // A stream of this server has a session of this server, until it closes.
    const session = stream.session as ServerHttp2Session
    this.#count(session, 1)
    stream.once('close', () => this.#count(session, -1))
  }

  #number(stream: ServerHttp2Stream): string {
    const id = String(++this.#lastStream)
    this.#streams.set(id, stream)
    stream.once('close', () => this.#streams.delete(id))
    return id
  }

  #count(session: ServerHttp2Session, by: 1 | -1): void {
    const connected = this.#sessions.get(session)
    if (connected === undefined || session.destroyed) return
    connected.streams += by
    const { streamBytes, budgetBytes } = windows
    const window = nextStreamWindow(connected.window, connected.streams, streamBytes, budgetBytes)
    if (window === connected.window) return
    connected.window = window
    session.settings({ initialWindowSize: window })
  }
}

/** Calls of Carry do not go through grpc-js: see CarryCall. */
function isCarry(headers: IncomingHttpHeaders): boolean {
  return (
    headers[':path'] === carryPath &&
    headers[':method'] === 'POST' &&
    headers['content-type']?.startsWith('application/grpc') === true
  )
}

/** What is known of a connection. */
interface Connected {
  readonly identity: AgentIdentity | undefined
  streams: number
  /** Its stream window now. */
  window: number
}

function identityIn(session: ServerHttp2Session): AgentIdentity | undefined {
  // The port speaks TLS alone.
  const socket = session.socket as TLSSocket
  if (!socket.authorized) return undefined
  const certificate: X509Certificate | undefined = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : identityOf(certificate)
}

function tlsOptions(limits: TunnelLimits) {
  return {
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    handshakeTimeout: limits.handshakeMs,
    // A resumed session shows no certificate, or one that is not checked again.
    secureOptions: openssl.SSL_OP_NO_TICKET,
  } as const
}

function reachable(address: string): string {
  return address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
}

/** The options of the grpc-js server that goes with this port. */
export function serverOptions(limits: TunnelLimits): ConstructorParameters<typeof Server>[0] {
  return {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.max_concurrent_streams': limits.streamsPerAgent + 16,
    'grpc.keepalive_time_ms': limits.pingIntervalMs,
    'grpc.keepalive_timeout_ms': limits.deadAfterMs - limits.pingIntervalMs,
    'grpc.enable_channelz': 0,
  }
}

const streamHeader = 'sallyport-stream'
