import { connect, constants as http2, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import { connect as connectTls } from 'node:tls'
import { carryPath } from '../carry.ts'
import { defaultLimits, distantMs, trafficConnections, windows } from '../limits.ts'
import { checkServerIdentity, secureContext, serverName, splitAddress } from './channel.ts'
import type { AgentCredentials } from './identity.ts'

/**
 * The connections to a gateway that carry connections, apart from the control stream, so that neither's loss is the other's. There are
 * several, since a TCP connection has one congestion window and one buffer, whatever it carries: over a distance, eight calls on one are
 * no faster than one call. Nearby one is better: what many calls say in a turn shares a write. The first is made ahead; a further one
 * when each there is carries a call and the gateway is at a distance, up to {@link trafficConnections}; those that carry nothing for a
 * while end, except for the last.
 */
export class Traffic {
  readonly credentials: AgentCredentials
  /** The gateway's process that it reaches; any where it is undefined. */
  readonly process: number | undefined
  readonly #gateway: string
  readonly #connections = new Set<Connection>()
  readonly #distantMs: number
  /** The shortest that was measured: a busy machine makes it longer than the way is, nothing makes it shorter. */
  #roundTripMs: number | undefined
  #growsAgainAtMs = 0
  #isClosed = false

  constructor(gateway: string, credentials: AgentCredentials, process?: number, distant = distantMs) {
    this.#gateway = gateway
    this.credentials = credentials
    this.process = process
    this.#distantMs = distant
  }

  /** Ahead of the first call. */
  connect(): void {
    if (this.#connections.size === 0) this.#add()
  }

  /**
   * A place for one call, on the connection with the fewest. A new connection is waited for, for as long as {@link patienceMs}; where it
   * does not come to stand, the place is on another one.
   */
  async reserve(): Promise<Place> {
    const connection = this.#choose()
    const place = new Place(this, connection)
    if (await connection.isReady) return place
    this.#growsAgainAtMs = performance.now() + growAgainMs
    const other = this.#least((it) => it.isConnected)
    if (other !== undefined) place.moveTo(other)
    return place
  }

  /** Takes no more calls, and each connection ends with its last one. */
  close(): void {
    this.#isClosed = true
    for (const connection of this.#connections) if (connection.calls === 0) this.#end(connection)
  }

  /** An open connection for a place whose own is gone. */
  another(): Connection {
    return this.#least((it) => it.isConnected) ?? this.#add()
  }

  /** A connection carries nothing any more. */
  rest(connection: Connection): void {
    if (this.#isClosed) return this.#end(connection)
    connection.rest = setTimeout(() => {
      if (this.#connections.size > 1) this.#end(connection)
    }, restMs).unref()
  }

  #choose(): Connection {
    const least = this.#least(() => true)
    if (least === undefined) return this.#add()
    return least.calls > 0 && this.#mayGrow ? this.#add() : least
  }

  get #mayGrow(): boolean {
    if (this.#connections.size >= trafficConnections || performance.now() < this.#growsAgainAtMs) return false
    return (this.#roundTripMs ?? 0) >= this.#distantMs
  }

  #least(fits: (connection: Connection) => boolean): Connection | undefined {
    let least: Connection | undefined
    for (const connection of this.#connections)
      if (fits(connection) && (least === undefined || connection.calls < least.calls)) least = connection
    return least
  }

  #add(): Connection {
    const session = this.#connect()
    const connection = new Connection(session)
    this.#connections.add(connection)
    session.once('close', () => this.#connections.delete(connection))
    return connection
  }

  #end(connection: Connection): void {
    this.#connections.delete(connection)
    connection.session.close()
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
    const measure = (tookMs: number): void => {
      this.#roundTripMs = Math.min(this.#roundTripMs ?? tookMs, tookMs)
    }
    const pings = setInterval(() => ping(session, measure), defaultLimits.pingIntervalMs)
    session.once('connect', () => {
      clearTimeout(slow)
      ping(session, measure)
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

/** One of them, with what it carries or is reserved for. */
class Connection {
  readonly session: ClientHttp2Session
  /** False where it ended before it stood, or does not stand in time. */
  readonly isReady: Promise<boolean>
  isConnected = false
  calls = 0
  rest: NodeJS.Timeout | undefined

  constructor(session: ClientHttp2Session) {
    this.session = session
    this.isReady = new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), patienceMs)
      session.once('connect', () => {
        clearTimeout(late)
        this.isConnected = true
        resolve(true)
      })
      session.once('close', () => {
        clearTimeout(late)
        this.isConnected = false
        resolve(false)
      })
    })
  }

  get isOpen(): boolean {
    return !this.session.closed && !this.session.destroyed
  }
}

/** Reserved for one call, until that has ended or the place is given up. */
export class Place {
  readonly #traffic: Traffic
  #connection: Connection
  #isUsed = false

  constructor(traffic: Traffic, connection: Connection) {
    this.#traffic = traffic
    this.#connection = connection
    this.#take()
  }

  moveTo(connection: Connection): void {
    this.#leave()
    this.#connection = connection
    this.#take()
  }

  /** Begins the call of Carry. One that cannot be made ends with an error. */
  carry(): ClientHttp2Stream {
    if (!this.#connection.isOpen) this.moveTo(this.#traffic.another())
    const stream = this.#connection.session.request({
      [http2.HTTP2_HEADER_METHOD]: 'POST',
      [http2.HTTP2_HEADER_PATH]: carryPath,
      [http2.HTTP2_HEADER_TE]: 'trailers',
      [http2.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
    })
    this.#isUsed = true
    stream.once('close', () => this.#leave())
    return stream
  }

  /** Once, and nothing after it: no call will be made where none was. */
  giveUp(): void {
    if (!this.#isUsed) this.#leave()
  }

  #take(): void {
    clearTimeout(this.#connection.rest)
    this.#connection.calls++
  }

  #leave(): void {
    const connection = this.#connection
    if (--connection.calls === 0 && connection.isOpen) this.#traffic.rest(connection)
  }
}

/** A gateway that does not answer in time is gone, and all calls with it. */
function ping(session: ClientHttp2Session, onAnswer: (tookMs: number) => void): void {
  if (session.connecting || session.destroyed) return
  const late = setTimeout(() => session.destroy(), defaultLimits.deadAfterMs - defaultLimits.pingIntervalMs)
  session.ping((error, tookMs) => {
    clearTimeout(late)
    if (error === null) onAnswer(tookMs)
  })
}

/** For a new connection, while there are others. */
const patienceMs = 1_000
/** After one that did not come to stand. */
const growAgainMs = 30_000
/** Between a connection's last call and its end. */
const restMs = 60_000
