import { X509Certificate } from 'node:crypto'
import { fingerprintOf } from '@sallyport/api'
import { Fault, systemClock, type Clock } from '@sallyport/core'
import { linkView } from '../api/routes/users.ts'
import type { Config } from '../config/schema.ts'
import { Admission } from '../edge/admission.ts'
import { openAgentsPort } from '../edge/agents-port.ts'
import { listenForClients } from '../edge/clients.ts'
import type { Listener } from '../edge/listener.ts'
import { serverNames, ServerTls } from '../edge/server-tls.ts'
import { detectorTags, protocolKinds, type ProtocolKind } from '../protocols.ts'
import { countedRecordings } from '../telemetry/counted-recordings.ts'
import { Events } from '../telemetry/events.ts'
import { addGauges } from '../telemetry/gauges.ts'
import { openLog } from '../telemetry/log.ts'
import { serveMetrics } from '../telemetry/metrics-listener.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { version } from '../version.ts'
import type { Address } from './address.ts'
import { openApi } from './api.ts'
import { buildControlCore, type ControlCore } from './control-core.ts'
import { Drain } from './drain.ts'
import { layFoundation } from './foundation.ts'
import { Readiness } from './readiness.ts'
import { keepUp } from './upkeep.ts'

export interface GatewayOptions {
  /** For secrets by reference. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where the log goes. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly clock?: Clock
  /** Every one that there is, unless told otherwise. */
  readonly kinds?: readonly ProtocolKind[]
}

/** A gateway that serves, until it is disposed. */
export interface RunningGateway extends AsyncDisposable {
  readonly version: string
  readonly addresses: readonly Address[]
  /** `https://host:port`. */
  readonly baseUrl: string
  /** PEM of its own authority, and the fingerprint by which people know it; where it signs for itself. */
  readonly authority: { readonly certificate: string; readonly fingerprint: string } | undefined
  /** While nobody is set up. */
  readonly setupUrl: string | undefined
  /** Takes no new clients, waits `drainMs` for those that are, then ends them with `cause`. */
  drain(cause: Fault, hurry?: AbortSignal): Promise<void>
}

/**
 * Builds everything, from the store outwards to the clients' ports.
 * @throws CannotStart, with everything that was started ended again
 */
export async function startGateway(config: Config, options: GatewayOptions): Promise<RunningGateway> {
  const { environment, output, clock = systemClock, kinds = protocolKinds } = options
  await using life = new AsyncDisposableStack()
  const metrics = life.use(openMetrics(version))
  const events = new Events(openLog({ ...config.log, output }), metrics)
  const onTrouble = (error: unknown): void => events.trouble('upkeep', error)

  const recorder: { failure: string | undefined } = { failure: undefined }
  let core: ControlCore | undefined
  const foundation = await layFoundation(life, {
    config,
    environment,
    clock,
    kinds,
    detectorTags,
    metrics,
    onRecorderFailure: (fault) => {
      recorder.failure = fault.shown
      events.faulted('recorder', '', fault)
      core?.sessions.endAll(fault)
    },
  })
  const { store, keys, protocols } = foundation
  const { authority } = keys
  const tunnel = await openAgentsPort(life, {
    config,
    store,
    authority,
    clock,
    onEvent: (event) => events.tunnel(event),
    onTrouble,
  })

  const draining = new Drain()
  core = await buildControlCore(life, foundation, {
    config,
    environment,
    clock,
    tunnel,
    recordings: countedRecordings(
      foundation.recordings,
      metrics.tallies,
      () => (recorder.failure = undefined),
    ),
    notify: (event) => {
      events.access(event)
      if (event.kind === 'session-ended') draining.look(sessions.list().length)
    },
  })
  const { sessions, gateParts, setupLinks } = core
  const admission = new Admission(config.limits)

  const tls = life.use(
    await ServerTls.open({
      names: serverNames(config),
      authority,
      clock,
      onRenewed: (pair) => {
        front.useCertificate(pair)
        events.certificateRenewed(tls.notAfterMs)
      },
      onTrouble,
      ...filesOf(config),
    }),
  )
  const own =
    config.tls.certificate === undefined
      ? {
          certificate: authority.certificate,
          fingerprint: fingerprintOf(new X509Certificate(authority.certificate)),
        }
      : undefined
  const readiness = new Readiness(store, clock)
  life.use(keepUp(store, clock, onTrouble))
  const listeners: Listener[] = []
  addGauges(metrics.registry, {
    liveSessions: () => sessions.list().map(({ resource }) => resource),
    agents: () =>
      tunnel.attached().map(({ pool, rttMs, streams }) => ({ pool, roundTripMs: rttMs, streams })),
    connections: () => admission.total,
    clientBytes: () => listeners.map((it) => ({ protocol: it.name, ...it.bytes() })),
    caches: () => [foundation.policies.decisions, ...protocols.flatMap(({ caches = [] }) => caches)],
    journalBytes: () => foundation.recordings.journalBytes,
    isRecorderFailing: () => recorder.failure !== undefined,
    isDraining: () => readiness.isDraining,
    certificates: () => ({ server: tls.notAfterMs, authority: notAfterMs(authority.certificate) }),
    dataDirectory: config.dataDirectory,
  })
  const addresses: Address[] = []
  const listening = (name: string, host: string, port: number, scheme = '', as = config.publicHost): void => {
    addresses.push({ name, host, port, url: `${scheme}${inUrl(as)}:${port}` })
    events.listening({ name, host, port })
  }
  const baseUrl = (): string => addresses.find(({ name }) => name === 'api')?.url ?? ''
  const front = await openApi(life, {
    config,
    clock,
    foundation,
    core,
    tunnel,
    tls,
    recorder,
    readiness,
    own,
    events,
    addresses: () => addresses,
    baseUrl,
  })
  listening('api', config.listen.api.host, front.port, 'https://')
  listening('agents', config.listen.agents.host, tunnel.port)
  if (config.listen.metrics !== 'off') {
    const { host } = config.listen.metrics
    const { port } = life.use(await serveMetrics(metrics.registry, config.listen.metrics))
    listening('metrics', host, port, 'http://', host)
  }

  // Last, when all behind them is there; and the first to end.
  const halt = new AbortController()
  const endAll = (cause: Fault): void => {
    sessions.refuseNew(cause)
    sessions.endAll(cause)
    if (!halt.signal.aborted) halt.abort(cause)
  }
  for (const protocol of protocols) {
    const address = config.listen[protocol.name] ?? 'off'
    if (address === 'off') continue
    const clients = { address, gateParts, admission, tls, events, signal: halt.signal }
    const listener = life.use(await listenForClients(protocol, clients))
    life.defer(() => endAll(stopped))
    listeners.push(listener)
    listening(protocol.name, address.host, listener.port)
  }
  const firstLink = await setupLinks.forFirstAdministrator()

  const ending = life.move()
  return {
    version,
    addresses,
    baseUrl: baseUrl(),
    authority: own,
    setupUrl: firstLink === undefined ? undefined : linkView(baseUrl(), firstLink).url,
    drain: async (cause, hurry) => {
      readiness.isDraining = true
      events.draining(sessions.list().length, config.drainMs)
      for (const listener of listeners) listener.stop()
      sessions.refuseNew(cause)
      await draining.wait(sessions.list().length, config.drainMs, hurry)
      endAll(cause)
      await tunnel.drain(lastBytesMs)
    },
    [Symbol.asyncDispose]: async () => {
      await ending.disposeAsync()
      events.ended()
    },
  }
}

function notAfterMs(certificate: string): number {
  return Date.parse(new X509Certificate(certificate).validTo)
}

function filesOf({ tls: { certificate, key } }: Config): { files?: { certificate: string; key: string } } {
  return certificate === undefined || key === undefined ? {} : { files: { certificate, key } }
}

const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host)

const stopped = new Fault('gateway/draining', 'the gateway is shutting down')
/** What a session that was just ended may take to say so through its tunnel. */
const lastBytesMs = 2000
