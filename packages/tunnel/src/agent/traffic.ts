import { connect, constants as http2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { carryPath } from '../carry.ts'
import { defaultLimits, windows } from '../limits.ts'
import { checkServerIdentity, secureContext, serverName, splitAddress } from './channel.ts'
import type { AgentCredentials } from './identity.ts'

/**
 * The connection to a gateway that carries connections, apart from the control stream, so that neither's loss is the other's. It is
 * made again when it is needed and gone.
 */
export class Traffic {
  readonly credentials: AgentCredentials
  /** The gateway's process that it reaches; any where it is undefined. */
  readonly process: number | undefined
  readonly #gateway: string
  #session: ClientHttp2Session | undefined

  constructor(gateway: string, credentials: AgentCredentials, process?: number) {
    this.#gateway = gateway
    this.credentials = credentials
    this.process = process
  }

  /** Ahead of the first call. */
  connect(): void {
    this.#connected()
  }

  /** Begins a call of Carry. One that cannot be made ends with an error. */
  carry(): ClientHttp2Stream {
    return this.#connected().request({
      [http2.HTTP2_HEADER_METHOD]: 'POST',
      [http2.HTTP2_HEADER_PATH]: carryPath,
      [http2.HTTP2_HEADER_TE]: 'trailers',
      [http2.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
    })
  }

  /** Takes no more calls, and ends with its last one. */
  close(): void {
    this.#session?.close()
    this.#session = undefined
  }

  #connected(): ClientHttp2Session {
    const open = this.#session
    if (open !== undefined && !open.closed && !open.destroyed) return open
    const session = this.#connect()
    this.#session = session
    return session
  }

  #connect(): ClientHttp2Session {
    const { host, port } = splitAddress(this.#gateway)
    const servername = serverName(this.#gateway, this.process)
    const session = connect(`https://${this.#gateway}`, {
      createConnection: () =>
        connectTls({
          host,
          port,
          servername,
          secureContext: secureContext(this.credentials),
          checkServerIdentity,
          ALPNProtocols: ['h2'],
        }).setNoDelay(true),
      settings: { enablePush: false, initialWindowSize: windows.streamBytes },
      // What is buffered is bounded by the windows, and by what each stream's writer waits for.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    })
    const slow = setTimeout(() => session.destroy(), defaultLimits.handshakeMs)
    const pings = setInterval(() => ping(session), defaultLimits.pingIntervalMs)
    session.once('connect', () => {
      clearTimeout(slow)
      // The event comes a turn after the fact: the session may be over again.
      if (!session.destroyed) session.setLocalWindowSize(windows.connectionBytes)
    })
    // Each call hears of it by itself.
    session.on('error', () => {})
    session.once('close', () => {
      clearTimeout(slow)
      clearInterval(pings)
    })
    return session
  }
}

/** A gateway that does not answer in time is gone, and all calls with it. */
function ping(session: ClientHttp2Session): void {
  if (session.connecting || session.destroyed) return
  const late = setTimeout(() => session.destroy(), defaultLimits.deadAfterMs - defaultLimits.pingIntervalMs)
  session.ping(() => clearTimeout(late))
}
