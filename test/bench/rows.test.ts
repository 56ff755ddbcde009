import { expect, test } from 'vitest'
import { resultRows } from './rows.ts'
import { Samples } from './samples.ts'
import { median } from './spread.ts'
import { tableOf } from './table.ts'

test('a median of an even number is the mean of the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([5, 1, 3])).toBe(3)
  expect(median([])).toBeNaN()
})

test('a target is judged by the median of the ratios within rounds', () => {
  const samples = new Samples()
  for (const [direct, relay, sallyport] of [
    [0.1, 0.2, 0.25],
    [0.2, 0.4, 0.5],
    [0.1, 0.2, 0.9],
  ] as const) {
    samples.add('latency, c=1, prepared', 'direct', direct)
    samples.add('latency, c=1, prepared', 'relay', relay)
    samples.add('latency, c=1, prepared', 'sallyport', sallyport)
  }
  const [row] = resultRows(samples)
  expect(row!.targets[0]).toMatchObject({ isMet: true })
  expect(row!.targets[0]!.ratio).toBeCloseTo(1.5)
})

test('what was not measured is neither met nor missed', () => {
  const samples = new Samples()
  samples.add('COPY out', 'direct', 200)
  const [row] = resultRows(samples)
  expect(row!.targets.map(({ isMet }) => isMet)).toEqual([undefined, undefined])
  expect(tableOf(resultRows(samples))).toContain('not measured')
})
