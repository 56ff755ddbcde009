import { AggregatorRegistry, Registry } from 'prom-client'
import type { ShownMetrics } from '../telemetry/metrics-listener.ts'
import type { Numbers } from './calls.ts'

/**
 * The numbers of all processes put together, each as it says: a sum unless it says otherwise. What a process that died had counted
 * stays in the sums, as of the last reading: a counter never goes down.
 */
export class SummedMetrics implements ShownMetrics {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #own: Pick<Registry, 'getMetricsAsJSON'>
  readonly #others: () => Promise<ReadonlyMap<number, Numbers>>
  readonly #last = new Map<number, Numbers>()
  #gone: Numbers = []

  /** @param others by process */
  constructor(own: Pick<Registry, 'getMetricsAsJSON'>, others: () => Promise<ReadonlyMap<number, Numbers>>) {
    this.#own = own
    this.#others = others
  }

  async metrics(): Promise<string> {
    const own = await this.#own.getMetricsAsJSON()
    const others = await this.#others()
    for (const [process, numbers] of others) this.#last.set(process, numbers)
    return sumOf([own, ...others.values(), this.#gone]).metrics()
  }

  /** Keeps what it had counted. */
  async died(process: number): Promise<void> {
    const counted = (this.#last.get(process) ?? []).filter(({ type }) => isCounted(String(type)))
    this.#last.delete(process)
    this.#gone = await sumOf([this.#gone, counted]).getMetricsAsJSON()
  }
}

function sumOf(all: readonly Numbers[]): Registry {
  // The types know of no JSON that is given.
  return AggregatorRegistry.aggregate(all as unknown as object[])
}

const isCounted = (type: string): boolean => type === 'counter' || type === 'histogram'
