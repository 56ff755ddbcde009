import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { SummedMetrics } from './summed-metrics.ts'

function processWith(opened: number, delay: number) {
  const registry = new Registry()
  const registers = [registry]
  new Counter({ name: 'opened_total', help: 'x', labelNames: ['resource'], registers }).inc(
    { resource: 'shop' },
    opened,
  )
  new Gauge({ name: 'live', help: 'x', registers }).set(opened)
  new Gauge({ name: 'round_trip', help: 'x', registers, aggregator: 'max' }).set(delay)
  new Histogram({ name: 'wait', help: 'x', buckets: [1], registers }).observe(delay)
  return registry
}

test('numbers of several processes are put together, each as it says, and counters outlive their process', async () => {
  const [one, two] = [processWith(2, 0.5), processWith(3, 4)]
  let running = new Map([
    [1, one],
    [2, two],
  ])
  const summed = new SummedMetrics(new Registry(), async () => {
    const all = [...running].map(async ([number, it]) => [number, await it.getMetricsAsJSON()] as const)
    return new Map(await Promise.all(all))
  })
  const both = await summed.metrics()
  for (const line of ['opened_total{resource="shop"} 5', 'live 5', 'round_trip 4', 'wait_count 2'])
    expect(both).toContain(line)

  running = new Map([[1, one]])
  await summed.died(2)
  const after = await summed.metrics()
  for (const line of ['opened_total{resource="shop"} 5', 'live 2', 'round_trip 0.5', 'wait_count 2'])
    expect(after).toContain(line)

  running = new Map([
    [1, one],
    [2, processWith(1, 1)],
  ])
  expect(await summed.metrics()).toContain('opened_total{resource="shop"} 6')
  await summed.died(2)
  await summed.died(2)
  running = new Map([[1, one]])
  expect(await summed.metrics()).toContain('opened_total{resource="shop"} 6')
})
