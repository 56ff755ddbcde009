import { X509Certificate } from 'node:crypto'
import { KeyedInterrupts, type DeviceDoor, type FailureThrottle, type LiveSessions } from '@sallyport/access'
import type { Clock, Fault, Interrupts, TagSuggestions } from '@sallyport/core'
import type { AgentServer, AgentServerOptions } from '@sallyport/tunnel'
import type { Config } from '../config/schema.ts'
import { Admission } from '../edge/admission.ts'
import { openAgentsPort } from '../edge/agents-port.ts'
import { serveClients } from '../edge/clients.ts'
import type { Connections } from '../edge/connections.ts'
import { ServerTls } from '../edge/server-tls.ts'
import { countedRecordings } from '../telemetry/counted-recordings.ts'
import type { Events } from '../telemetry/events.ts'
import { addGauges } from '../telemetry/gauges.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { RefusedLogIns } from '../webhooks/refused-log-ins.ts'
import { buildControlCore, type People } from './control-core.ts'
import { Drain } from './drain.ts'
import { suggestTagsThrough, type TagQuestion } from './own-target.ts'
import type { Foundation } from './foundation.ts'
import type { RecorderState } from './recorder-state.ts'

export interface ServingOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly foundation: Foundation
  readonly people: Pick<People, 'authenticators' | 'reviews'>
  readonly throttle: FailureThrottle
  readonly devices: DeviceDoor
  /** Those of the other processes: asked where no session here has the key. */
  readonly interruptsElsewhere?: (key: Uint8Array) => Promise<boolean>
  /** Where agents come from: a port of our own, or another process. */
  readonly agents: Pick<AgentServerOptions, 'listen' | 'place'>
  /** The certificate that clients see. */
  readonly tls: ServerTls
  readonly recorder: RecorderState
  readonly metrics: Metrics
  readonly events: Events
}

/** What lies between clients and agents, in one process. */
export interface Serving {
  readonly tunnel: AgentServer
  readonly sessions: LiveSessions
  /** By protocol, all that there are. */
  readonly clients: ReadonlyMap<string, Connections>
  /** Fires the interrupt of a session here. False where none has this key. */
  interrupt(key: Uint8Array): boolean
  /** See {@link suggestTagsThrough}. */
  suggestTags(question: TagQuestion, signal: AbortSignal): Promise<TagSuggestions>
  /** Lets nobody in, waits `drainMs` for those who are, then ends them with `cause`. */
  drain(cause: Fault, hurry?: AbortSignal): Promise<void>
  /** Ends everybody now. */
  endAll(cause: Fault): void
}

/**
 * @param life takes whatever has to be ended
 * @throws CannotStart
 */
export async function openServing(life: AsyncDisposableStack, options: ServingOptions): Promise<Serving> {
  const { config, environment, clock, foundation, people, throttle, tls, recorder, metrics, events } = options
  const { store, keys, protocols, policies, recordings } = foundation
  const { authority } = keys
  const tunnel = await openAgentsPort(life, {
    config,
    ...options.agents,
    store,
    authority,
    clock,
    onEvent: (event) => events.tunnel(event),
    onTrouble: (error) => events.trouble('upkeep', error),
  })
  const draining = new Drain()
  const interrupts = new KeyedInterrupts()
  const refused = life.use(new RefusedLogIns(store, (error) => events.trouble('webhooks', error)))
  const { sessions, credentials, gateParts } = buildControlCore(life, foundation, {
    config,
    environment,
    clock,
    tunnel,
    people,
    throttle,
    devices: options.devices,
    interrupts: alsoElsewhere(interrupts, options.interruptsElsewhere),
    recordings: countedRecordings(recordings, metrics.tallies, () => recorder.works()),
    onLeaseProblem: (problem) => events.leaseProblem(problem),
    onRoleLeft: (...left) => events.roleLeft(...left),
    notify: (event) => {
      events.access(event)
      if (event.kind === 'log-in-refused') refused.take(event)
      if (event.kind === 'session-ended') draining.look(sessions.list().length)
    },
  })
  life.use(recorder.onFailure((fault) => sessions.endAll(fault)))

  const admission = new Admission(config.limits)
  const halt = new AbortController()
  const clients = new Map(
    protocols.map((protocol) => {
      const parts = { gateParts, admission, tls, events, signal: halt.signal }
      return [protocol.name, life.use(serveClients(protocol, parts))]
    }),
  )
  let isDraining = false
  addGauges(metrics.registry, {
    liveSessions: () => sessions.list().map(({ resource }) => resource),
    agents: () =>
      tunnel.attached().map(({ pool, rttMs, streams }) => ({ pool, roundTripMs: rttMs, streams })),
    connections: () => admission.total,
    clientBytes: () => [...clients].map(([protocol, connections]) => ({ protocol, ...connections.bytes() })),
    caches: () => [policies.decisions, ...protocols.flatMap(({ caches = [] }) => caches)],
    journalBytes: () => recordings.journalBytes,
    isRecorderFailing: () => recorder.failure !== undefined,
    isDraining: () => isDraining,
    certificates: () => ({ server: tls.notAfterMs, authority: notAfterMs(authority.certificate) }),
    dataDirectory: config.dataDirectory,
  })
  const endAll = (cause: Fault): void => {
    sessions.refuseNew(cause)
    sessions.endAll(cause)
    if (!halt.signal.aborted) halt.abort(cause)
  }
  return {
    tunnel,
    sessions,
    clients,
    interrupt: (key) => interrupts.fire(key),
    suggestTags: (question, signal) => suggestTagsThrough(gateParts, protocols, question, signal),
    endAll,
    drain: async (cause, hurry) => {
      isDraining = true
      events.draining(sessions.list().length, config.drainMs)
      sessions.refuseNew(cause)
      await draining.wait(sessions.list().length, config.drainMs, hurry)
      endAll(cause)
      await credentials.settle(undoMs)
      await tunnel.drain(lastBytesMs)
    },
  }
}

function alsoElsewhere(here: KeyedInterrupts, elsewhere: ServingOptions['interruptsElsewhere']): Interrupts {
  if (elsewhere === undefined) return here
  return {
    register: (key, fire) => here.register(key, fire),
    fire: (key) => here.fire(key) || elsewhere(key),
  }
}

function notAfterMs(certificate: string): number {
  return Date.parse(new X509Certificate(certificate).validTo)
}

/** What was made for sessions is undone through the tunnel; what is not in time, is after the next start. */
const undoMs = 5_000
/** What a session that was just ended may take to say so through its tunnel. */
const lastBytesMs = 2000
