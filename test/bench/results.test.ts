import { describe, expect, test } from 'vitest'
import { compare } from './compare.ts'
import { markdownGrid, textGrid } from './grid.ts'
import { measurements } from './measurements/index.ts'
import { latency } from './measurements/latency.ts'
import type { Report } from './report.ts'
import { resultsOf, type Result } from './results.ts'
import type { Rounds } from './rounds.ts'
import { Samples } from './samples.ts'
import { median, quantile, spreadOf } from './spread.ts'
import { comparisonOf, tablesOf } from './table.ts'

test('a median of an even number is the mean of the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([5, 1, 3])).toBe(3)
  expect(median([])).toBeNaN()
})

test('a quantile is a value that was measured', () => {
  const hundred = Array.from({ length: 100 }, (_, at) => at + 1)
  expect(quantile(hundred, 0.5)).toBe(50)
  expect(quantile(hundred, 0.99)).toBe(99)
  expect(quantile([7], 0.99)).toBe(7)
})

describe('a target', () => {
  test('is judged by the median of the ratios within rounds', () => {
    const [row] = resultsOf([latency], threeRounds())
    expect(row!.targets[0]).toMatchObject({ isMet: true })
    expect(row!.targets[0]!.value!.median).toBeCloseTo(1.5)
  })

  test('is neither met nor missed where a route was not there, and says why', () => {
    const samples = new Samples()
    samples.add(latency.rows[0]!, 'direct', { figures: { p50Ms: 1 } })
    samples.add(latency.rows[0]!, 'sallyport', { figures: { p50Ms: 1 } })
    const missing = new Map([[latency.rows[0]!.name, { relay: 'it did not start' }]])
    const results = resultsOf([latency], { samples, missing })
    expect(results[0]!.targets[0]!.isMet).toBeUndefined()
    expect(tablesOf(reportWith(results), textGrid)).toContain('not measured: it did not start')
  })
})

test('a reading without the figure of a row is an error', () => {
  expect(() => new Samples().add(latency.rows[0]!, 'direct', { figures: {} })).toThrow('p50Ms')
})

describe('a comparison', () => {
  const result = (values: readonly number[], gatewayUs: readonly number[]): Result => ({
    name: 'throughput',
    unit: '/s',
    better: 'higher',
    setting: 'near',
    work: 'transaction',
    routes: {
      sallyport: { spread: spreadOf(values)!, values, cpu: { gateway: spreadOf(gatewayUs)! } },
    },
    targets: [],
  })

  test('calls a change noise where values of then and now overlap', () => {
    const changes = compare([result([100, 120, 140], [10, 11])], [result([130, 150, 170], [5, 6])])
    expect(changes).toMatchObject([
      { what: 'throughput, sallyport', ratio: 1.25, verdict: 'noise' },
      { what: 'throughput, sallyport, CPU of gateway', unit: 'µs/transaction', verdict: 'better' },
    ])
    expect(comparisonOf(changes, textGrid)).toContain('noise')
  })

  test('knows in which direction better is', () => {
    const [perSecond, cpu] = compare([result([100, 110], [5, 6])], [result([50, 60], [7, 8])])
    expect([perSecond!.verdict, cpu!.verdict]).toEqual(['worse', 'worse'])
  })

  test('leaves out what only one of them has', () => {
    expect(compare([], [result([1], [1])])).toEqual([])
  })
})

describe('the tables', () => {
  test('stay within 120 columns with every row and route', () => {
    const samples = new Samples()
    for (const [at, measurement] of measurements.entries()) {
      const cpu = { 'first hop': 12_345 + at, 'second hop': 12_345 }
      for (const row of measurement.rows)
        for (const route of measurement.setting === 'alone' ? ['sallyport' as const] : measurement.routes)
          for (const value of [12_345, 23_456])
            samples.add(row, route, { figures: { [row.figure]: value }, cpu })
    }
    const table = tablesOf(reportWith(resultsOf(measurements, { samples, missing: new Map() })), textGrid)
    const [, ...lines] = table.split('\n')
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.filter((line) => line.length > 120)).toEqual([])
  })

  test('show a spread around nothing as its ends', () => {
    const [result] = resultsOf([latency], threeRounds())
    const idle = { spread: spreadOf([-1, 0, 1])!, values: [-1, 0, 1], cpu: {} }
    const table = tablesOf(reportWith([{ ...result!, routes: { direct: idle } }]), textGrid)
    expect(table).toContain('-1–1')
    expect(table).not.toContain('NaN')
  })

  test('are Markdown where that is asked for', () => {
    expect(markdownGrid(['a', ''], [['b|c', 'd']])).toBe('| a |  |\n| --- | --- |\n| b\\|c | d |')
  })
})

function threeRounds(): Rounds {
  const samples = new Samples()
  for (const [direct, relay, sallyport] of [
    [0.1, 0.2, 0.25],
    [0.2, 0.4, 0.5],
    [0.1, 0.2, 0.9],
  ] as const) {
    for (const row of latency.rows) {
      samples.add(row, 'direct', { figures: { p50Ms: direct, p99Ms: direct } })
      samples.add(row, 'relay', { figures: { p50Ms: relay, p99Ms: relay } })
      samples.add(row, 'sallyport', { figures: { p50Ms: sallyport, p99Ms: sallyport } })
    }
  }
  return { samples, missing: new Map() }
}

function reportWith(results: readonly Result[]): Report {
  const machine = { processors: 2, model: 'processor', node: 'v24', postgres: '18' }
  return { machine, options: { rounds: 1, seconds: 1, megabytes: 1 }, results }
}
