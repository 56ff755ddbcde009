import { describe, expect, test } from 'vitest'
import { judge, type Line } from './judge.ts'
import { lines } from './lines.ts'
import type { Sample } from './sample.ts'
import { slopePerHour } from './trend.ts'

const mebibyte = 1024 * 1024
const rss = lines.find(({ id }) => id === 'gateway-rss')!

/** Twenty minutes, a sample each two seconds; memory saws between collections, warms up, and grows by so much an hour. */
function run(minutes: number, rssAt: (atMs: number) => number): Sample[] {
  let seed = 7
  const chance = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
  return Array.from({ length: minutes * 30 }, (_, at) => {
    const atMs = at * 2000
    const saw = chance() * 60 * mebibyte
    const warmUp = -80 * mebibyte * Math.exp(-atMs / (minutes * 60_000 * 0.08))
    return { ...empty, atMs, gateway: { ...empty.gateway, rss: rssAt(atMs) + saw + warmUp } }
  })
}

const gateway = {
  rss: 0,
  heap: 0,
  descriptors: 40,
  connections: 10,
  sessions: 10,
  streams: 10,
  reviewsWaiting: 0,
  loopDelayMs: 1,
  cpu: 0.2,
  operationsPerSecond: 100,
  journal: 0,
}
const empty: Sample = {
  atMs: 0,
  gateway,
  agent: { rss: 0, descriptors: 20 },
  machineLoad: 0.5,
  backends: 10,
  recordings: 0,
  store: 0,
  visits: 0,
  unexpected: 0,
}

describe('a line', () => {
  test.each([20, 60, 240])('of %i minutes that saws and warms up, and does not grow, is flat', (minutes) => {
    expect(
      judge(
        rss,
        run(minutes, () => 250 * mebibyte),
      ),
    ).toMatchObject({ state: 'flat' })
  })

  test.each([
    [20, 120],
    [60, 40],
    [240, 10],
  ])('of %i minutes that leaks %i MB an hour is found out', (minutes, leak) => {
    const samples = run(minutes, (atMs) => 250 * mebibyte + (atMs / 3_600_000) * leak * mebibyte)
    const verdict = judge(rss, samples)
    expect(verdict.state).toBe('rises')
    expect(verdict.slopePerHour / mebibyte).toBeGreaterThan(leak * 0.7)
    expect(verdict.slopePerHour / mebibyte).toBeLessThan(leak * 1.5)
  })

  test('that jumps up and comes back is flat: a large result is no leak', () => {
    const samples = run(20, (atMs) => (250 + (atMs > 900_000 && atMs < 1_020_000 ? 200 : 0)) * mebibyte)
    expect(judge(rss, samples)).toMatchObject({ state: 'flat' })
  })

  test('that grows for a stated reason is explained, and one that only falls is flat', () => {
    const explained: Line = { ...rss, reason: 'it keeps what it is given' }
    const grows = run(20, (atMs) => (250 + atMs / 5000) * mebibyte)
    expect(judge(explained, grows)).toMatchObject({ state: 'explained' })
    expect(
      judge(
        rss,
        run(20, (atMs) => (500 - atMs / 5000) * mebibyte),
      ),
    ).toMatchObject({ state: 'flat' })
  })

  test('that may not fall, and does, is found out', () => {
    const operations = lines.find(({ id }) => id === 'operations')!
    const samples = run(20, () => 0).map((sample) => ({
      ...sample,
      gateway: { ...gateway, operationsPerSecond: 100 - sample.atMs / 20_000 },
    }))
    expect(judge(operations, samples)).toMatchObject({ state: 'falls' })
  })

  test('that waits for the machine is explained where others take it, and found out where nobody does', () => {
    const delay = lines.find(({ id }) => id === 'loop-delay')!
    const rises = (machineLoad: number): Sample[] =>
      run(20, () => 0).map((sample) => ({
        ...sample,
        machineLoad,
        gateway: { ...gateway, loopDelayMs: sample.atMs / 5000 },
      }))
    expect(judge(delay, rises(0.7))).toMatchObject({ state: 'rises' })
    expect(judge(delay, rises(6))).toMatchObject({
      state: 'explained',
      reason: expect.stringContaining('6.0 programs'),
    })
  })

  test('of a run that is over before anything is warm is not judged', () => {
    expect(
      judge(
        rss,
        run(2, (atMs) => atMs * mebibyte),
      ),
    ).toMatchObject({ state: 'too short' })
    expect(judge(rss, [])).toMatchObject({ state: 'too short', slopePerHour: 0 })
  })

  test('of descriptors finds one that is forgotten every other minute', () => {
    const descriptors = lines.find(({ id }) => id === 'gateway-descriptors')!
    const samples = run(20, () => 0).map((sample, at) => ({
      ...sample,
      gateway: { ...gateway, connections: 10 + (at % 7), descriptors: 50 + (at % 7) + Math.floor(at / 60) },
    }))
    expect(judge(descriptors, samples)).toMatchObject({ state: 'rises' })
  })
})

test('every line says what it is, and each has a name of its own', () => {
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length)
  for (const { title, meaning } of lines) expect(`${title} ${meaning}`).toMatch(/^[A-Z].*\.$/)
})

test('one wild value among many does not move a slope', () => {
  const points = Array.from({ length: 21 }, (_, at) => ({ atMs: at * 60_000, value: at === 10 ? 1e9 : at }))
  expect(slopePerHour(points)).toBeCloseTo(60)
})
