import { readdirSync, readFileSync } from 'node:fs'
import { constants, performance, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { QuickHistogram } from './quick-histogram.ts'

/** The numbers of this process, under the names that Prometheus clients share. Disposing it ends what measures. */
export function addProcessMetrics(registry: Registry, version: string): Disposable {
  const registers = [registry]
  new Gauge({
    name: 'sallyport_build_info',
    help: 'How many processes run this version of the gateway, and of Node.js',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1)
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970',
    aggregator: 'min',
    registers,
  }).set(performance.timeOrigin / 1000)
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time, all threads, user and system',
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory',
    registers,
    collect() {
      this.set(process.memoryUsage.rss())
    },
  })
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'JavaScript objects',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed)
    },
  })
  new Gauge({
    name: 'nodejs_external_memory_bytes',
    help: 'Memory outside of the heap that JavaScript objects own, buffers included',
    registers,
    collect() {
      this.set(process.memoryUsage().external)
    },
  })
  addDescriptors(registry)
  const loop = addEventLoop(registry)
  const collections = addCollections(registry)
  return {
    [Symbol.dispose]() {
      clearInterval(loop)
      collections.disconnect()
    },
  }
}

/** Linux tells; elsewhere there is nothing to see. */
function addDescriptors(registry: Registry): void {
  const registers = [registry]
  new Gauge({
    name: 'process_open_fds',
    help: 'Open file descriptors; Linux only',
    registers,
    collect() {
      const open = attempt(() => readdirSync('/proc/self/fd').length)
      if (open !== undefined) this.set(open)
    },
  })
  const most = attempt(() => /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  new Gauge({
    name: 'process_max_fds',
    help: 'File descriptors that may be open; Linux only',
    registers,
  }).set(Number(most ?? Number.NaN))
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

/** How late a timer fires is how long everybody else waits too. A histogram, so that readers do not take from each other. */
function addEventLoop(registry: Registry): NodeJS.Timeout {
  const registers = [registry]
  const delay = new QuickHistogram({
    name: 'sallyport_event_loop_delay_seconds',
    help: 'How late a timer fires that looks 20 times a second: what everything else waits as well',
    bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  })
  new Counter({
    name: 'sallyport_event_loop_busy_seconds_total',
    help: 'Time that the event loop worked rather than waited; its rate is the share of one core',
    registers,
    collect() {
      this.reset()
      this.inc(performance.eventLoopUtilization().active / 1000)
    },
  })
  let dueMs = performance.now() + lookEveryMs
  return setInterval(() => {
    const nowMs = performance.now()
    delay.observe(Math.max(0, nowMs - dueMs) / 1000)
    dueMs = nowMs + lookEveryMs
  }, lookEveryMs).unref()
}

function addCollections(registry: Registry): PerformanceObserver {
  const seconds = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Garbage collections, by kind',
    labelNames: ['kind'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5],
    registers: [registry],
  })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as PerformanceEntry & {
        readonly detail?: { readonly kind?: number }
      }
      seconds.observe({ kind: kinds.get(detail?.kind) ?? 'other' }, duration / 1000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return observer
}

const kinds: ReadonlyMap<number | undefined, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
])
const lookEveryMs = 50
