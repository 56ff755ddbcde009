import { describe, expect, test } from 'vitest'
import { costBetween, cpuSeconds, CpuWatch } from './cpu.ts'

describe('CPU time', () => {
  test("is user's and system's, whatever the process is called", () => {
    expect(cpuSeconds('1234 (a 20) R) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20')).toBe(3)
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

  test.runIf(process.platform === 'linux')('of this very process grows while it works', () => {
    using watch = new CpuWatch([{ name: 'this', pids: [process.pid] }])
    const end = process.cpuUsage().user + 60_000
    while (process.cpuUsage().user < end);
    expect(watch.costOfEach(1)!['this']).toBeGreaterThan(20_000)
  })
})
