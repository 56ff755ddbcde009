import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AggregatorRegistry } from 'prom-client'
import { expect, test } from 'vitest'
import { FakeClock } from '@sallyport/core/testing'
import { countedRecordings } from './counted-recordings.ts'
import { addGauges, type Gauges } from './gauges.ts'
import { openMetrics } from './metrics.ts'
import { addWaitingGauges, type WaitingParts } from './waiting-gauges.ts'
import { serveMetrics } from './metrics-listener.ts'
import { QuickHistogram } from './quick-histogram.ts'

const quiet: Gauges = {
  liveSessions: () => [{ protocol: 'postgres' }],
  agents: () => [
    { pool: 'dc1', roundTripMs: 3, streams: 1 },
    { pool: 'dc1', roundTripMs: 7, streams: 4 },
  ],
  connections: () => 4,
  clientBytes: () => [{ protocol: 'postgres', up: 10, down: 200 }],
  caches: () => [{ name: 'statements', hits: 9, misses: 1 }],
  journalBytes: () => 512,
  isRecorderFailing: () => false,
  isDraining: () => false,
  certificates: () => ({ server: 1_800_000_000_000 }),
  dataDirectory: '.',
}

const minuteMs = 60_000
const read = {
  accessRequests: { waiting: () => Promise.resolve({ open: 2, unreviewed: 1 }) },
  grants: { countGood: () => Promise.resolve([{ resource: 'orders-db', count: 3 }]) },
  webhooks: {
    backlog: () =>
      Promise.resolve([
        { webhook: 'ops', waiting: 4, dead: 1, oldestAt: 15_000 },
        { webhook: 'quiet', waiting: 0, dead: 0, oldestAt: null },
      ]),
  },
} as unknown as WaitingParts['read']

function opened(gauges: Partial<Gauges> = {}) {
  const metrics = openMetrics('0.1.0')
  addGauges(metrics.registry, { ...quiet, ...gauges })
  addWaitingGauges(metrics.registry, { read, clock: new FakeClock(minuteMs) })
  return metrics
}

/** What is recorded of one session, as far as the numbers go. */
function record(metrics: ReturnType<typeof openMetrics>): void {
  const recorder = { append: () => {}, commit: () => {}, durable: () => Promise.resolve() }
  const recordings = { open: () => ({ ...recorder, close: () => Promise.resolve() }) }
  const session = countedRecordings(recordings, metrics.tallies, () => {}).open('ses_1' as never)
  session.append({ kind: 'opened', resource: 'orders-db' } as never)
  session.append({ kind: 'operation', effect: 'deny' } as never)
  session.append({ kind: 'result', outcome: { maskedValues: 2 } } as never)
}

test('numbers are read over HTTP, gauges as they stand when asked', async () => {
  const live = [{ protocol: 'postgres' }]
  using metrics = opened({ liveSessions: () => live })
  await using listener = await serveMetrics(metrics.registry, { host: '127.0.0.1', port: 0 })
  const read = async (path = '/metrics') => (await fetch(`http://127.0.0.1:${listener.port}${path}`)).text()

  record(metrics)
  await sleep(120) // so that the timer that watches the event loop fires
  expect(await read()).toMatch(/^sallyport_sessions_live\{protocol="postgres"\} 1$/m)
  live.length = 0
  const text = await read()
  expect(text).not.toMatch(/^sallyport_sessions_live\{/m)
  for (const line of [
    /^sallyport_agents_attached\{pool="dc1"\} 2$/m,
    /^sallyport_tunnel_round_trip_seconds\{pool="dc1"\} 0.007$/m,
    /^sallyport_tunnel_streams\{pool="dc1"\} 5$/m,
    /^sallyport_operations_total\{resource="orders-db",effect="deny"\} 1$/m,
    /^sallyport_operations_total\{resource="orders-db",effect="allow"\} 0$/m,
    /^sallyport_masked_values_total\{resource="orders-db"\} 2$/m,
    /^sallyport_client_bytes_total\{protocol="postgres",direction="down"\} 200$/m,
    /^sallyport_cache_lookups_total\{cache="statements",result="hit"\} 9$/m,
    /^sallyport_event_loop_delay_seconds_bucket\{le="0.001"\} \d+$/m,
    /^sallyport_event_loop_delay_seconds_count [1-9]/m,
    /^sallyport_event_loop_busy_seconds_total \d+\.\d+/m,
    /^sallyport_data_directory_free_bytes [1-9]\d+$/m,
    /^sallyport_access_requests_waiting\{state="unreviewed"\} 1$/m,
    /^sallyport_grants_live\{resource="orders-db"\} 3$/m,
    /^sallyport_webhook_outbox\{webhook="ops",state="waiting"\} 4$/m,
    /^sallyport_webhook_outbox\{webhook="ops",state="dead"\} 1$/m,
    /^sallyport_webhook_outbox_age_seconds\{webhook="ops"\} 45$/m,
    /^sallyport_webhook_outbox_age_seconds\{webhook="quiet"\} 0$/m,
    /^process_resident_memory_bytes [1-9]\d+$/m,
  ])
    expect(text).toMatch(line)
  expect(await read('/')).toBe('metrics are at /metrics\n')
})

test('what cannot be known of one number hides no other', async () => {
  using metrics = opened({ dataDirectory: '/no/such/directory' })
  const text = await metrics.registry.metrics()
  expect(text).toMatch(/^sallyport_data_directory_free_bytes Nan$/m)
  expect(text).toMatch(/^sallyport_client_connections 4$/m)
})

test('read twice, what only grows has not grown by being read', async () => {
  using metrics = opened()
  record(metrics)
  const read = async () =>
    (await metrics.registry.metrics()).split('\n').filter((line) => /^sallyport_(op|cl|ca|re|mas)/.test(line))
  expect(await read()).toEqual(await read())
})

test('processes of one gateway add up: sums where they share work, the worst where they share a view', async () => {
  using one = opened()
  using other = opened({ agents: () => [{ pool: 'dc1', roundTripMs: 9, streams: 2 }] })
  record(one)
  record(other)
  one.recorder.written(2, 100)
  other.recorder.written(2, 50)
  const both = await AggregatorRegistry.aggregate([
    await one.registry.getMetricsAsJSON(),
    await other.registry.getMetricsAsJSON(),
  ]).metrics()
  for (const line of [
    /^sallyport_operations_total\{resource="orders-db",effect="deny"\} 2$/m,
    /^sallyport_sessions_live\{protocol="postgres"\} 2$/m,
    /^sallyport_client_bytes_total\{protocol="postgres",direction="down"\} 400$/m,
    /^sallyport_tunnel_streams\{pool="dc1"\} 7$/m,
    /^sallyport_agents_attached\{pool="dc1"\} 2$/m,
    /^sallyport_tunnel_round_trip_seconds\{pool="dc1"\} 0.009$/m,
    /^sallyport_recorder_write_delay_seconds_bucket\{le="0.0025"\} 2$/m,
    /^sallyport_recorder_bytes_total 150$/m,
    /^sallyport_certificate_not_after_timestamp_seconds\{certificate="server"\} 1800000000$/m,
    /^sallyport_build_info\{.*\} 2$/m,
  ])
    expect(both).toMatch(line)
})

test('a histogram counts each value up to its bound, and all that follow', async () => {
  using metrics = openMetrics('0.1.0')
  const histogram = new QuickHistogram({
    name: 'a_seconds',
    help: 'A test',
    bounds: [1, 2],
    registers: [metrics.registry],
  })
  for (const value of [0.5, 1, 1.5, 99]) histogram.observe(value)
  expect(await metrics.registry.getSingleMetricAsString('a_seconds')).toBe(
    [
      '# HELP a_seconds A test',
      '# TYPE a_seconds histogram',
      'a_seconds_bucket{le="1"} 2',
      'a_seconds_bucket{le="2"} 3',
      'a_seconds_bucket{le="+Inf"} 4',
      'a_seconds_sum 102',
      'a_seconds_count 4',
    ].join('\n'),
  )
})

test('the page on metrics lists what there is: names, types, labels and words', async () => {
  using metrics = opened()
  const page = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| `(\w+)` +\| (\w+) +\| (.*?) *\| (.*?) *\|$/gm)].map(
    ([, name, type, labels = '', help]) => ({
      name,
      type,
      labels: labels.split(', ').flatMap((label) => label.replaceAll('`', '') || []),
      help,
    }),
  )
  // Every metric has its names of labels, whichever class it is of.
  const there = metrics.registry.getMetricsAsArray() as unknown as {
    name: string
    help: string
    labelNames: string[]
  }[]
  const types = new Map(
    (await metrics.registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]),
  )
  const byName = (one: { name?: string | undefined }, other: { name?: string | undefined }) =>
    (one.name ?? '').localeCompare(other.name ?? '')
  expect(listed.toSorted(byName)).toEqual(
    there
      .map(({ name, help, labelNames }) => ({ name, type: types.get(name), labels: labelNames, help }))
      .toSorted(byName),
  )
})

test('names say what Prometheus expects of them: base units, and _total for what only grows', async () => {
  using metrics = opened()
  for (const { name, type } of await metrics.registry.getMetricsAsJSON()) {
    expect(name).toMatch(/^(sallyport|process|nodejs)(_[a-z0-9]+)+$/)
    expect(name.endsWith('_total')).toBe(String(type) === 'counter')
    expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|percent)\b/)
  }
})
