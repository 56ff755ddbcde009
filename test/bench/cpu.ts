import { readFileSync } from 'node:fs'

/** A program whose CPU time is of interest. */
export interface Watched {
  readonly name: string
  /** Of its process, or of its processes where it has several. */
  readonly pids: readonly number[]
}

/** Microseconds of CPU for one piece of work, by the name of the process. */
export type CpuCost = Readonly<Record<string, number>>

/** What processes had used at a moment. */
export interface CpuReading {
  /** Since the epoch. */
  readonly atMs: number
  /** User and system since the process started, all its threads together, by its name. */
  readonly seconds: Readonly<Record<string, number>>
}

/** Reads the CPU time of processes again and again while something runs. Where there is no /proc it reads nothing. */
export class CpuWatch implements Disposable {
  readonly #processes: readonly Watched[]
  readonly #readings: CpuReading[] = []
  readonly #timer: NodeJS.Timeout | undefined

  constructor(processes: readonly Watched[]) {
    this.#processes = processes
    if (process.platform !== 'linux') return
    this.#read()
    this.#timer = setInterval(() => this.#read(), 200)
  }

  /** Of one piece of work, from the times at which each was done: only what happened between the first and the last counts. */
  costOf(doneAtMs: readonly number[]): CpuCost | undefined {
    return costBetween(this.#readings, doneAtMs)
  }

  /** Of one of `count` pieces of work, everything since the start shared out among them. */
  costOfEach(count: number): CpuCost | undefined {
    if (this.#timer === undefined) return undefined
    this.#read()
    return cost(this.#readings[0]!, this.#readings.at(-1)!, count)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #read(): void {
    const used = (pid: number): number => cpuSeconds(readFileSync(`/proc/${pid}/stat`, 'latin1'))
    const seconds = this.#processes.map(({ name, pids }): [string, number] => [
      name,
      pids.reduce((sum, pid) => sum + used(pid), 0),
    ])
    this.#readings.push({ atMs: Date.now(), seconds: Object.fromEntries(seconds) })
  }
}

/** Between the first reading at which work was being done and the last one. Undefined where there are not two. */
export function costBetween(
  readings: readonly CpuReading[],
  doneAtMs: readonly number[],
): CpuCost | undefined {
  let [begin, end] = [Infinity, -Infinity]
  for (const at of doneAtMs) {
    begin = Math.min(begin, at)
    end = Math.max(end, at)
  }
  const within = readings.filter(({ atMs }) => atMs >= begin && atMs <= end)
  const [first, last] = [within[0], within.at(-1)]
  if (!first || !last) return undefined
  const count = doneAtMs.reduce((sum, at) => sum + Number(at > first.atMs && at <= last.atMs), 0)
  return cost(first, last, count)
}

function cost(before: CpuReading, after: CpuReading, count: number): CpuCost | undefined {
  if (before === after || count === 0) return undefined
  return Object.fromEntries(
    Object.entries(after.seconds).map(([name, seconds]) => [
      name,
      ((seconds - before.seconds[name]!) * 1e6) / count,
    ]),
  )
}

/** From a process's /proc/PID/stat. @see proc(5): utime and stime are fields 14 and 15; field 2 may hold anything, `)` included */
export function cpuSeconds(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** USER_HZ, which is 100 on every Linux that Node.js runs on. */
const ticksPerSecond = 100
