import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics extends Disposable {
  readonly registry: Registry
  readonly sessions: Counter<'reason'>
  readonly operations: Counter<'effect'>
  readonly holdSeconds: Histogram<'state'>
  readonly maskedValues: Counter
  readonly refusals: Counter<'code'>
  readonly faults: Counter<'code'>
  readonly bytes: Counter<'direction'>
  readonly connectionsRefused: Counter<'limit'>
  readonly apiRequests: Counter<'route' | 'status'>
  readonly signIns: Counter<'result'>
}

/** The gateway's numbers, all named `sallyport_…`. Labels have few values: no person, resource or text. */
export function openMetrics(version: string): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()

  new Gauge({
    name: 'sallyport_build',
    help: 'Always 1; the label says which version',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  new Gauge({
    name: 'sallyport_event_loop_delay_seconds',
    help: 'How late timers fire, since the last reading',
    labelNames: ['quantile'],
    registers,
    collect() {
      for (const quantile of [50, 99])
        this.set({ quantile: quantile / 100 }, delay.percentile(quantile) / 1e9)
      delay.reset()
    },
  })
  new Gauge({
    name: 'sallyport_memory_bytes',
    help: 'Resident memory',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })

  return {
    registry,
    sessions: new Counter({
      name: 'sallyport_sessions_total',
      help: 'Sessions ended, by why',
      labelNames: ['reason'],
      registers,
    }),
    operations: new Counter({
      name: 'sallyport_operations_total',
      help: 'Operations recorded, by what policy said of them',
      labelNames: ['effect'],
      registers,
    }),
    holdSeconds: new Histogram({
      name: 'sallyport_hold_seconds',
      help: 'How long reviewed operations were held, by how the review ended',
      labelNames: ['state'],
      buckets: [1, 5, 15, 30, 60, 180, 600, 1800],
      registers,
    }),
    maskedValues: new Counter({
      name: 'sallyport_masked_values_total',
      help: 'Values masked on their way to clients',
      registers,
    }),
    refusals: new Counter({
      name: 'sallyport_refusals_total',
      help: 'What we said no to',
      labelNames: ['code'],
      registers,
    }),
    faults: new Counter({
      name: 'sallyport_faults_total',
      help: 'What broke; the prefix says whose fault it was',
      labelNames: ['code'],
      registers,
    }),
    bytes: new Counter({
      name: 'sallyport_bytes_total',
      help: 'Bytes relayed; up is towards targets',
      labelNames: ['direction'],
      registers,
    }),
    connectionsRefused: new Counter({
      name: 'sallyport_connections_refused_total',
      help: 'Connections closed at once, by the limit that was reached',
      labelNames: ['limit'],
      registers,
    }),
    apiRequests: new Counter({
      name: 'sallyport_api_requests_total',
      help: 'API requests answered',
      labelNames: ['route', 'status'],
      registers,
    }),
    signIns: new Counter({
      name: 'sallyport_sign_ins_total',
      help: 'Log-ins with a password',
      labelNames: ['result'],
      registers,
    }),
    [Symbol.dispose]: () => {
      delay.disable()
      registry.clear()
    },
  }
}
