import { status, type ServerDuplexStream } from '@grpc/grpc-js'
import type { Clock } from '@sallyport/core'
import type { AgentEvent, Failure } from '@sallyport/proto'
import { judgeAttach } from '../enrolment/keys.ts'
import type { AttachRefusal, DetachReason, TunnelEvent } from '../events.ts'
import { faultOf } from '../failure.ts'
import type { TunnelLimits } from '../limits.ts'
import type { AgentIdentity } from '../names.ts'
import type { Agents } from './agents.ts'
import { Attachment, type AttachedAs, type Place } from './attachment.ts'
import { endWith, type CommandInit } from './calls.ts'
import type { AgentDirectory, EnrolledAgent } from './directory.ts'
import type { PendingDial } from './dialer.ts'
import type { Caller } from './port.ts'
import type { Tickets } from './tickets.ts'

export interface AttachParts {
  readonly agents: Agents
  readonly tickets: Tickets<PendingDial>
  readonly directory: AgentDirectory
  readonly limits: TunnelLimits
  readonly place: Place
  readonly clock: Clock
  readonly onEvent: (event: TunnelEvent) => void
  /** Revokes an agent whose key was copied, and ends what it has. */
  readonly onCloned: (agent: EnrolledAgent, address: string) => Promise<void>
  readonly isDraining: () => boolean
}

type AttachCall = ServerDuplexStream<AgentEvent, CommandInit>

/** Lets an agent in, or not: certificate, hello, directory, key, and that it is not there already. */
export async function attachAgent(call: AttachCall, caller: Caller, parts: AttachParts): Promise<void> {
  const { identity, address } = caller
  const refuse = (why: AttachRefusal): void => {
    parts.onEvent({
      kind: 'agent-refused',
      agent: identity?.id ?? '',
      pool: identity?.pool ?? '',
      why,
      address,
    })
    endWith(call, refusals[why], why)
  }
  if (identity === undefined) return refuse('no-certificate')
  if (parts.clock.now() > identity.notAfterMs) return refuse('expired')
  if (parts.isDraining()) return refuse('draining')
  if (!isHere(caller.process, parts.place)) return refuse('no-such-process')
  const hello = await firstHello(call, parts.limits.firstMessageMs)
  if (hello === undefined) return refuse('no-hello')
  const as = { id: identity.id, pool: identity.pool, version: hello.version, address }
  const instance = Buffer.from(hello.instance).toString('base64')
  if (isElsewhere(parts.agents, as.id, instance)) return refuse('duplicate')
  const agent = await admit(identity, address, parts)
  if (typeof agent === 'string') return refuse(agent)
  // Another process with the same certificate may have attached while the directory was asked.
  if (isElsewhere(parts.agents, as.id, instance)) return refuse('duplicate')
  if (call.cancelled) return
  welcome(call, { ...as, name: agent.name, instance }, parts)
}

/** A gateway that has come back with fewer processes is told of by those that it has. */
function isHere(asked: number | undefined, { process }: Place): boolean {
  return asked === undefined || asked === Math.max(process, 1)
}

/** The directory's word on an agent, and the use of its key. */
async function admit(
  identity: AgentIdentity,
  address: string,
  parts: AttachParts,
  isFirstLook = true,
): Promise<EnrolledAgent | AttachRefusal> {
  const { directory, onCloned } = parts
  const agent = await directory.find(identity.id)
  if (agent === undefined || agent.pool !== identity.pool) return 'unknown-agent'
  if (agent.isRevoked) return 'revoked'
  const verdict = judgeAttach(agent.keys, identity.keyFingerprint)
  if (verdict.kind === 'same') return agent
  if (verdict.kind === 'advance' && (await directory.advanceKeys(agent.id, agent.keys, verdict.to)))
    return agent
  // Another process of the gateway was first: to it too the agent attaches with its new key.
  if (verdict.kind === 'advance')
    return isFirstLook ? admit(identity, address, parts, false) : 'unknown-agent'
  await onCloned(agent, address)
  return 'revoked'
}

/** A second process with the same certificate, while the first lives. The same process may come back at any time. */
function isElsewhere(agents: Agents, id: string, instance: string): boolean {
  const there = agents.get(id)
  return there !== undefined && there.as.instance !== instance && there.isAlive
}

function welcome(call: AttachCall, as: AttachedAs, parts: AttachParts): void {
  const { agents, tickets, limits, place, clock, onEvent } = parts
  const onDialFailed = (agent: string, ticket: Uint8Array, failure: Failure): void => {
    // A ticket of another agent, or one that is spent, has no purpose here: such an answer changes nothing.
    tickets.purposeOf(ticket, agent)?.fail(faultOf(failure))
  }
  const onEnd = (ended: Attachment, why: DetachReason): void => {
    // One that was replaced leaves its dials to its successor: the same process will answer them.
    if (!agents.drop(ended)) return
    for (const pending of tickets.openOf(as.id)) pending.fail()
    onEvent({ kind: 'agent-detached', agent: as.id, pool: as.pool, why })
  }
  agents.put(new Attachment(call, as, { limits, place, clock, onEvent, onDialFailed, onEnd }))
  const { id, pool, name, address, version } = as
  onEvent({ kind: 'agent-attached', agent: id, pool, name, address, version })
}

function firstHello(
  call: AttachCall,
  withinMs: number,
): Promise<{ readonly instance: Uint8Array; readonly version: string } | undefined> {
  return new Promise((resolve) => {
    const done = (message?: AgentEvent): void => {
      clearTimeout(timer)
      call.pause().off('data', done).off('end', gone).off('cancelled', gone)
      const event = message?.event
      const isHello =
        event?.case === 'hello' && event.value.instance.length === 16 && event.value.version.length <= 64
      resolve(isHello ? event.value : undefined)
    }
    const gone = (): void => done()
    const timer = setTimeout(gone, withinMs)
    call.on('data', done).on('end', gone).on('cancelled', gone)
  })
}

const refusals: Readonly<Record<AttachRefusal, status>> = {
  'no-certificate': status.UNAUTHENTICATED,
  expired: status.UNAUTHENTICATED,
  'unknown-agent': status.PERMISSION_DENIED,
  revoked: status.PERMISSION_DENIED,
  duplicate: status.ALREADY_EXISTS,
  'no-hello': status.INVALID_ARGUMENT,
  draining: status.UNAVAILABLE,
  'no-such-process': status.UNAVAILABLE,
}
