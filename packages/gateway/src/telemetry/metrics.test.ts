import { expect, test } from 'vitest'
import { addGauges } from './gauges.ts'
import { openMetrics } from './metrics.ts'
import { serveMetrics } from './metrics-listener.ts'

test('numbers are read over HTTP, gauges as they stand when asked', async () => {
  const live = [{ protocol: 'postgres' }]
  using metrics = openMetrics('0.1.0')
  addGauges(metrics.registry, {
    liveSessions: () => live,
    agents: () => [
      { pool: 'dc1', roundTripMs: 3 },
      { pool: 'dc1', roundTripMs: 7 },
    ],
    connections: () => 4,
  })
  await using listener = await serveMetrics(metrics.registry, { host: '127.0.0.1', port: 0 })
  const read = async (path = '/metrics') => (await fetch(`http://127.0.0.1:${listener.port}${path}`)).text()

  metrics.operations.inc({ effect: 'deny' })
  expect(await read()).toMatch(/^sallyport_sessions_live\{protocol="postgres"\} 1$/m)
  live.length = 0
  const text = await read()
  expect(text).not.toMatch(/^sallyport_sessions_live\{/m)
  expect(text).toMatch(/^sallyport_agents_attached\{pool="dc1"\} 2$/m)
  expect(text).toMatch(/^sallyport_tunnel_round_trip_seconds\{pool="dc1"\} 0.007$/m)
  expect(text).toMatch(/^sallyport_operations_total\{effect="deny"\} 1$/m)
  expect(text).toMatch(/^sallyport_event_loop_delay_seconds\{quantile="0.99"\}/m)
  expect(await read('/')).toBe('metrics are at /metrics\n')
})
