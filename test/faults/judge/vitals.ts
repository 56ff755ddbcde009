import { readdirSync, readFileSync } from 'node:fs'
import type { RunningProcess } from '../../world/process.ts'

/** What a process holds when nobody uses it. */
export interface Vitals {
  readonly descriptors: number
  /** Timers, sockets, requests under way: all that keeps a Node.js process alive. */
  readonly handles: number
  /** Objects and buffers, after a garbage collection. */
  readonly memoryBytes: number
  readonly residentBytes: number
}

/** A busy machine takes long to collect garbage. */
const patienceMs = 180_000
const reports = new WeakMap<RunningProcess, number>()

/** Asks a gateway or agent that was started with `report-on-signal.ts`. */
export async function vitalsOf(process: RunningProcess): Promise<Vitals> {
  const number = (reports.get(process) ?? 0) + 1
  reports.set(process, number)
  process.signal('SIGUSR2')
  const [, json = ''] = await process.line(new RegExp(`^held ${number} (.*)`), patienceMs)
  const { memoryBytes, resources } = JSON.parse(json) as {
    memoryBytes: number
    resources: Record<string, number>
  }
  return {
    descriptors: readdirSync(`/proc/${process.pid}/fd`).length,
    handles: Object.values(resources).reduce((sum, count) => sum + count, 0),
    memoryBytes,
    residentBytes: residentBytesOf(process),
  }
}

export function residentBytesOf({ pid }: RunningProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** What is held beyond the first time by more than comes and goes at rest, in words; nothing where all is well. */
export function leaked(name: string, first: Vitals, now: Vitals): string[] {
  const beyond = (what: keyof Vitals, slack: number, unit = 1): string[] =>
    now[what] <= first[what] + slack
      ? []
      : [
          `${name}: ${Math.round(now[what] / unit)} ${words[what]}, ${Math.round(first[what] / unit)} at first`,
        ]
  return [
    ...beyond('descriptors', slack.descriptors),
    ...beyond('handles', slack.handles),
    ...beyond('memoryBytes', slack.memoryBytes, mebibyte),
  ]
}

const mebibyte = 1024 * 1024
/** A listener's reconnect under way, a keep-alive connection of the judge's own; caches that have a bound. */
const slack = { descriptors: 6, handles: 8, memoryBytes: 64 * mebibyte }
const words: Readonly<Record<keyof Vitals, string>> = {
  descriptors: 'file descriptors',
  handles: 'timers and handles',
  memoryBytes: 'MiB of heap and buffers',
  residentBytes: 'MiB resident',
}
