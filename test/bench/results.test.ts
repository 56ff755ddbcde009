import { describe, expect, test } from 'vitest'
import { costBetween, cpuSeconds } from './cpu.ts'
import { latency } from './measurements/latency.ts'
import { resultsOf } from './results.ts'
import { Samples } from './samples.ts'
import { median, quantile } from './spread.ts'
import { tablesOf } from './table.ts'

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

describe('targets', () => {
  test('are judged by the median of the ratios within rounds', () => {
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
    const [row] = resultsOf(latency.rows, samples)
    expect(row!.targets[0]).toMatchObject({ isMet: true })
    expect(row!.targets[0]!.value!.median).toBeCloseTo(1.5)
  })

  test('are neither met nor missed where a route was not measured', () => {
    const samples = new Samples()
    samples.add(latency.rows[0]!, 'direct', { figures: { p50Ms: 1 } })
    const results = resultsOf(latency.rows, samples)
    expect(results[0]!.targets[0]!.isMet).toBeUndefined()
    expect(tablesOf(results)).toContain('not measured')
  })
})

describe('CPU time', () => {
  test("is user's and system's, whatever the process is called", () => {
    const fields = '20) R) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20'
    expect(cpuSeconds(`1234 (a ${fields}`)).toBe(3)
  })

  test('counts for the work that was done between two readings, log-ins apart', () => {
    const readings = [
      { atMs: 0, seconds: { gateway: 0 } },
      { atMs: 100, seconds: { gateway: 5 } }, // what the log-ins cost
      { atMs: 200, seconds: { gateway: 5.001 } },
      { atMs: 300, seconds: { gateway: 5.002 } },
    ]
    const doneAtMs = [50, 120, 160, 210, 290, 301]
    expect(costBetween(readings, doneAtMs)!['gateway']).toBeCloseTo(500)
    expect(costBetween(readings, [50, 120])).toBeUndefined()
  })
})
