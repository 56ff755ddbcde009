import { constants as http2, type ServerHttp2Stream } from 'node:http2'
import { status } from '@grpc/grpc-js'
import type { Clock } from '@sallyport/core'
import { CarriedStream, CarryCall } from '../carry.ts'
import type { Frame } from '../chunk.ts'
import type { TicketMisuse, TunnelEvent } from '../events.ts'
import { agentLost, faultOf } from '../failure.ts'
import type { TunnelLimits } from '../limits.ts'
import type { Agents } from './agents.ts'
import type { PendingDial } from './dialer.ts'
import type { Caller } from './port.ts'
import { ticketBytes, type Tickets } from './tickets.ts'

export interface AcceptParts {
  readonly agents: Agents
  readonly tickets: Tickets<PendingDial>
  readonly limits: TunnelLimits
  readonly clock: Clock
  readonly onEvent: (event: TunnelEvent) => void
}

/** Takes a connection that an agent brings. Its first frame must be a ticket of its own, open and in time; else the call ends. */
export function acceptConnection(stream: ServerHttp2Stream, caller: Caller, parts: AcceptParts): void {
  const { identity, address } = caller
  const call = new CarryCall(stream)
  if (identity === undefined || parts.clock.now() > identity.notAfterMs)
    return refuseCall(stream, 'a valid agent certificate is needed')
  /** The boundary: what is thrown from an event or a timer, nobody else would catch. */
  const contain = (run: () => void): void => {
    try {
      run()
    } catch (cause) {
      stream.close(http2.NGHTTP2_INTERNAL_ERROR)
      parts.onEvent({ kind: 'agent-failed', agent: identity.id, cause })
    }
  }
  const refuse = (why: TicketMisuse): void => {
    parts.onEvent({ kind: 'ticket-misused', agent: identity.id, why, address })
    refuseCall(stream, 'no valid ticket')
  }
  const settle = (): void => {
    clearTimeout(timer)
    call.pause()
    call.listen(ignore, ignore)
  }
  const onFirst = (frame: Frame): void => {
    settle()
    if (Buffer.isBuffer(frame) || frame.kind !== 'ticket' || frame.ticket.length !== ticketBytes)
      return refuse('missing')
    const redeemed = parts.tickets.redeem(frame.ticket, identity.id)
    if (redeemed.kind === 'misused') return refuse(redeemed.why)
    deliver(call, stream, identity.id, redeemed.purpose, { ...parts, contain })
  }
  const onLate = (): void => {
    settle()
    refuse('missing')
  }
  const timer = setTimeout(() => contain(onLate), parts.limits.firstMessageMs)
  call.listen((frame) => contain(() => onFirst(frame)), settle)
  call.resume()
}

function ignore(): void {}

/** An answer of trailers only. What the agent goes on to send is not read: the stream ends both ways once it heard why. */
function refuseCall(stream: ServerHttp2Stream, why: string): void {
  if (stream.destroyed) return
  stream.respond(
    { ...headers, 'grpc-status': String(status.UNAUTHENTICATED), 'grpc-message': encodeURIComponent(why) },
    { endStream: true },
  )
  setImmediate(() => stream.close(http2.NGHTTP2_NO_ERROR))
}

function deliver(
  call: CarryCall,
  stream: ServerHttp2Stream,
  agent: string,
  dial: PendingDial,
  parts: AcceptParts & { readonly contain: (run: () => void) => void },
): void {
  const { resource, session } = dial.request
  // The headers tell the agent that its ticket was good.
  stream.respond(headers, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(status.OK) }))
  const carried = new CarriedStream({
    call,
    cut: () => stream.close(http2.NGHTTP2_CANCEL),
    lost: agentLost,
    reset: faultOf,
  })
  parts.agents.carry(agent, carried)
  carried.once('close', () => {
    const { bytesWritten: bytesUp, bytesRead: bytesDown } = carried
    parts.contain(() =>
      parts.onEvent({ kind: 'stream-closed', agent, resource, session, bytesUp, bytesDown }),
    )
  })
  // First: where what follows fails, the session hears of its connection's end.
  dial.arrive(carried)
  const tookMs = parts.clock.elapsed() - dial.startedAtMs
  parts.onEvent({ kind: 'stream-opened', agent, resource, session, tookMs })
}

const headers = { ':status': 200, 'content-type': 'application/grpc+proto' } as const
