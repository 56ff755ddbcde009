import type { Socket } from 'node:net'
import { AccessGate, type GateParts } from '@sallyport/access'
import { asFault, isRefusal, type Gate, type StreamProtocol } from '@sallyport/core'
import type { Events } from '../telemetry/events.ts'
import type { Admission, Place } from './admission.ts'
import { Connections } from './connections.ts'
import type { ServerTls } from './server-tls.ts'

export interface ClientOptions {
  readonly gateParts: GateParts
  readonly admission: Admission
  readonly tls: Pick<ServerTls, 'context'>
  readonly events: Events
  /** Ends connections that have no session yet. */
  readonly signal: AbortSignal
}

/** Serves a protocol's clients: each connection is served by the protocol, against the one gate. */
export function serveClients(protocol: StreamProtocol, options: ClientOptions): Connections {
  const { gateParts, admission, tls, events, signal } = options
  const gate = new AccessGate(protocol, gateParts)
  return new Connections({
    admission,
    serve: async (socket, place) => {
      const from = addressOf(socket)
      try {
        await protocol.serve(
          { stream: socket, address: from, loopback: isLoopback(socket), tls: tls.context },
          watched(gate, place),
          signal,
        )
      } catch (error) {
        events.faulted(protocol.name, from, asFault(error))
      }
    },
    onRefused: (from, limit) => events.connectionRefused(from, limit),
    onTrouble: (error) => events.trouble(`listen.${protocol.name}`, error),
  })
}

/** The gate, which tells admission of the log-in. */
function watched(gate: Gate, place: Place): Gate {
  return {
    accepts: (key, from) => gate.accepts(key, from),
    signIn: (from) => gate.signIn(from),
    authorizationServer: (from) => gate.authorizationServer(from),
    interrupts: gate.interrupts,
    interrupt: (key, from) => gate.interrupt(key, from),
    open: async (claim) => {
      const opened = await gate.open(claim)
      if (!isRefusal(opened)) place.loggedIn()
      return opened
    },
  }
}

function addressOf({ remoteAddress = 'unknown', remotePort = 0, remoteFamily }: Socket): string {
  return remoteFamily === 'IPv6' ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}

/** Both ends on this machine: RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
function isLoopback({ remoteAddress = '' }: Socket): boolean {
  return remoteAddress === '::1' || /^(::ffff:)?127\./.test(remoteAddress)
}
