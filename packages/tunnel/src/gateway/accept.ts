import { constants as http2 } from 'node:http2'
import { Metadata, status, type ServerDuplexStream } from '@grpc/grpc-js'
import { CarriedStream } from '../carry.ts'
import type { Frame } from '../chunk.ts'
import type { TicketMisuse, TunnelEvent } from '../events.ts'
import { agentLost, faultOf } from '../failure.ts'
import type { TunnelLimits } from '../limits.ts'
import type { Agents } from './agents.ts'
import { endWith } from './calls.ts'
import type { PendingDial } from './dialer.ts'
import type { Caller } from './port.ts'
import { ticketBytes, type Tickets } from './tickets.ts'

export interface AcceptParts {
  readonly agents: Agents
  readonly tickets: Tickets<PendingDial>
  readonly limits: TunnelLimits
  readonly now: () => number
  readonly onEvent: (event: TunnelEvent) => void
}

export type CarryCall = ServerDuplexStream<Frame, Frame>

/** Takes a connection that an agent brings. Its first frame must be a ticket of its own, open and in time; else the call ends. */
export function acceptConnection(call: CarryCall, caller: Caller, parts: AcceptParts): void {
  const { identity, address } = caller
  if (identity === undefined || parts.now() > identity.notAfterMs)
    return endWith(call, status.UNAUTHENTICATED, 'a valid agent certificate is needed')
  const refuse = (why: TicketMisuse): void => {
    parts.onEvent({ kind: 'ticket-misused', agent: identity.id, why, address })
    endWith(call, status.UNAUTHENTICATED, 'no valid ticket')
    // What it goes on to send is not read: the stream ends both ways once it heard why.
    setImmediate(() => caller.cut(http2.NGHTTP2_NO_ERROR))
  }
  const settle = (): void => {
    clearTimeout(timer)
    call.pause().off('data', onFirst).off('end', settle).off('cancelled', settle)
  }
  const onFirst = (frame: Frame): void => {
    settle()
    if (Buffer.isBuffer(frame) || frame.kind !== 'ticket' || frame.ticket.length !== ticketBytes)
      return refuse('missing')
    const redeemed = parts.tickets.redeem(frame.ticket, identity.id)
    if (redeemed.kind === 'misused') return refuse(redeemed.why)
    deliver(call, caller, identity.id, redeemed.purpose, parts)
  }
  const timer = setTimeout(() => {
    settle()
    refuse('missing')
  }, parts.limits.firstMessageMs)
  call.on('data', onFirst).on('end', settle).on('cancelled', settle)
}

function deliver(
  call: CarryCall,
  caller: Caller,
  agent: string,
  dial: PendingDial,
  parts: AcceptParts,
): void {
  const { resource, session } = dial.request
  const stream = new CarriedStream({
    call,
    close: () => call.end(),
    cut: () => caller.cut(http2.NGHTTP2_CANCEL),
    lost: agentLost,
    reset: faultOf,
  })
  parts.agents.carry(agent, stream)
  stream.once('close', () => {
    const { bytesWritten: bytesUp, bytesRead: bytesDown } = stream
    parts.onEvent({ kind: 'stream-closed', agent, resource, session, bytesUp, bytesDown })
  })
  // The headers tell the agent that its ticket was good.
  call.sendMetadata(new Metadata())
  parts.onEvent({ kind: 'stream-opened', agent, resource, session, tookMs: parts.now() - dial.startedAtMs })
  dial.arrive(stream)
}
