import { mustRun } from '../world/process.ts'
import type { Expected } from './bed.ts'
import type { WhatWasRead } from './clients/reader-process.ts'
import { CpuWatch } from './cpu.ts'
import type { Reading } from './measurement.ts'
import type { Route } from './route.ts'

/**
 * Reads the answer to one question on so many connections at once, in a process of its own.
 * @returns megabytes a second, all of them together, and CPU time for a megabyte
 * @throws Error where the answer is not the expected one
 */
export async function readRows(
  route: Route,
  question: string,
  expected: Expected,
  streams = 1,
): Promise<Reading> {
  const reader = new URL('./clients/reader-process.ts', import.meta.url).pathname
  const [command, ...args] = [...(route.runner ?? []), process.execPath, reader, String(streams), question]
  using watch = new CpuWatch(route.processes)
  const printed = await mustRun(command!, args, {
    environment: { PATH: process.env['PATH'], BENCH_ENDPOINT: JSON.stringify(route.endpoint) },
    timeoutMs: 600_000,
  })
  const { rows, bytes, seconds } = JSON.parse(printed) as WhatWasRead // printed by the reader
  if (rows !== expected.rows * streams || bytes !== expected.bytes * streams) {
    const wanted = `${expected.rows * streams} rows of ${expected.bytes * streams} bytes`
    throw new Error(`${question}, ${route.name}: ${rows} rows of ${bytes} bytes instead of ${wanted}`)
  }
  const megabytes = bytes / 1_000_000
  return { figures: { megabytesPerSecond: megabytes / seconds }, cpu: watch.costOfEach(megabytes) }
}
