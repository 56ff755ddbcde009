import type { RecorderMeter } from '@sallyport/recording'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { addProcessMetrics } from './process-metrics.ts'
import { openRecorderMeter } from './recorder-meter.ts'
import { Tallies } from './tallies.ts'

/** What is counted as it happens; what is read when somebody asks is in `gauges.ts`. docs/metrics.md describes all of it. */
export interface Metrics extends Disposable {
  readonly registry: Registry
  readonly tallies: Tallies
  readonly logIns: Counter<'outcome'>
  readonly sessionsOpened: Counter<'resource'>
  readonly sessionsEnded: Counter<'reason'>
  readonly sessionSeconds: Histogram
  readonly refusals: Counter<'code'>
  readonly reviewsWaiting: Gauge
  readonly holdSeconds: Histogram<'state'>
  readonly accessRequests: Counter<'state'>
  readonly faults: Counter<'code'>
  readonly connectionsRefused: Counter<'limit'>
  readonly dials: Counter<'outcome'>
  readonly dialSeconds: Histogram
  readonly agentsDetached: Counter<'why'>
  readonly agentsRefused: Counter<'why'>
  readonly recorder: RecorderMeter
  readonly storeWriteSeconds: Histogram
  readonly apiRequests: Counter<'route' | 'status'>
  readonly apiSeconds: Histogram
  readonly signIns: Counter<'result'>
  readonly webhookAttempts: Counter<'webhook' | 'result'>
}

/** The gateway's numbers, in a registry of their own. Labels have few values: no person, no text, nothing a client chose. */
export function openMetrics(version: string): Metrics {
  const registry = new Registry()
  const measuring = addProcessMetrics(registry, version)
  return {
    registry,
    tallies: new Tallies(registry),
    recorder: openRecorderMeter(registry),
    ...accessMetrics([registry]),
    ...tunnelMetrics([registry]),
    ...storeMetrics([registry]),
    ...apiMetrics([registry]),
    [Symbol.dispose]: () => {
      measuring[Symbol.dispose]()
      registry.clear()
    },
  }
}

function accessMetrics(registers: Registry[]) {
  const faults = new Counter({
    name: 'sallyport_faults_total',
    help: 'What broke; the prefix says whose fault it was',
    labelNames: ['code'],
    registers,
  })
  // Shown before the first of them, so that the first one is a rise.
  for (const code of ['gateway/cannot-record', 'gateway/store-unavailable', 'gateway/internal'])
    faults.inc({ code }, 0)
  const accessRequests = new Counter({
    name: 'sallyport_access_requests_total',
    help: 'Requests for access, by each state that they came to',
    labelNames: ['state'],
    registers,
  })
  accessRequests.inc({ state: 'unreviewed' }, 0)
  return {
    faults,
    accessRequests,
    logIns: new Counter({
      name: 'sallyport_log_ins_total',
      help: 'Log-ins of clients to resources: let-in, or the code of the refusal',
      labelNames: ['outcome'],
      registers,
    }),
    sessionsOpened: new Counter({
      name: 'sallyport_sessions_opened_total',
      help: 'Sessions that began',
      labelNames: ['resource'],
      registers,
    }),
    sessionsEnded: new Counter({
      name: 'sallyport_sessions_ended_total',
      help: 'Sessions that ended, by why: client-left, target-left, or the code of a refusal or fault',
      labelNames: ['reason'],
      registers,
    }),
    sessionSeconds: new Histogram({
      name: 'sallyport_session_seconds',
      help: 'How long sessions lived',
      buckets: [0.1, 1, 10, 60, 600, 3600, 28_800],
      registers,
    }),
    refusals: new Counter({
      name: 'sallyport_refusals_total',
      help: 'What we said no to, log-ins and operations alike',
      labelNames: ['code'],
      registers,
    }),
    reviewsWaiting: new Gauge({
      name: 'sallyport_reviews_waiting',
      help: 'Operations held until somebody answers',
      registers,
    }),
    holdSeconds: new Histogram({
      name: 'sallyport_hold_seconds',
      help: 'How long reviewed operations were held, by how the review ended',
      labelNames: ['state'],
      buckets: [1, 5, 15, 30, 60, 180, 600, 1800],
      registers,
    }),
    connectionsRefused: new Counter({
      name: 'sallyport_connections_refused_total',
      help: 'Connections closed at once, by the limit that was reached',
      labelNames: ['limit'],
      registers,
    }),
  }
}

function tunnelMetrics(registers: Registry[]) {
  const agentsRefused = new Counter({
    name: 'sallyport_agents_refused_total',
    help: 'Agents turned away, when they enrolled, attached or brought a connection, by why',
    labelNames: ['why'],
    registers,
  })
  agentsRefused.inc({ why: 'key-cloned' }, 0)
  return {
    agentsRefused,
    dials: new Counter({
      name: 'sallyport_dials_total',
      help: 'Connections that agents were asked to make: connected, or the code of the fault',
      labelNames: ['outcome'],
      registers,
    }),
    dialSeconds: new Histogram({
      name: 'sallyport_dial_seconds',
      help: 'How long connections to targets took to make, through the tunnel and back',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15],
      registers,
    }),
    agentsDetached: new Counter({
      name: 'sallyport_agents_detached_total',
      help: 'Control streams of agents that ended, by why',
      labelNames: ['why'],
      registers,
    }),
  }
}

function storeMetrics(registers: Registry[]) {
  return {
    storeWriteSeconds: new Histogram({
      name: 'sallyport_store_write_seconds',
      help: 'Changes of the store with their audit entries, the wait for those before them included',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
  }
}

function apiMetrics(registers: Registry[]) {
  return {
    apiRequests: new Counter({
      name: 'sallyport_api_requests_total',
      help: 'API requests answered',
      labelNames: ['route', 'status'],
      registers,
    }),
    apiSeconds: new Histogram({
      name: 'sallyport_api_request_seconds',
      help: 'How long API requests took to answer',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    webhookAttempts: new Counter({
      name: 'sallyport_webhook_attempts_total',
      help: 'Messages sent to webhooks: delivered, failed and tried again later, or dead: failed for the last time',
      labelNames: ['webhook', 'result'],
      registers,
    }),
    signIns: new Counter({
      name: 'sallyport_sign_ins_total',
      help: 'Sign-ins and exchanges of tokens: good, or the code of the refusal',
      labelNames: ['result'],
      registers,
    }),
  }
}
