import type { Metric, Registry } from 'prom-client'

/** hot path: a histogram without labels that counts in place; prom-client's own looks its labels up each time. */
export class QuickHistogram {
  readonly type = 'histogram'
  readonly labelNames: readonly string[] = []
  readonly name: string
  readonly help: string
  readonly #bounds: readonly number[]
  /** Observations up to each bound and above the one before it; the last are above all. */
  readonly #counts: number[]
  #sum = 0

  /** @param bounds ascending, in the unit that the name ends with */
  constructor(options: {
    readonly name: string
    readonly help: string
    readonly bounds: readonly number[]
    readonly registers: readonly Registry[]
  }) {
    this.name = options.name
    this.help = options.help
    this.#bounds = options.bounds
    this.#counts = Array.from({ length: options.bounds.length + 1 }, () => 0)
    // All that a registry asks a metric for is its name, its help and what `get` gives.
    for (const registry of options.registers) registry.registerMetric(this as unknown as Metric)
  }

  observe(value: number): void {
    let at = 0
    while (at < this.#bounds.length && value > this.#bounds[at]!) at++
    this.#counts[at]!++
    this.#sum += value
  }

  /** As prom-client's histograms give themselves: counts that add up from bound to bound, their sum and number. */
  get() {
    const { name, help, type } = this
    let count = 0
    const values: { metricName: string; labels: { le?: number | string }; value: number }[] = []
    for (const [at, each] of this.#counts.entries()) {
      count += each
      values.push({ metricName: `${name}_bucket`, labels: { le: this.#bounds[at] ?? '+Inf' }, value: count })
    }
    values.push({ metricName: `${name}_sum`, labels: {}, value: this.#sum })
    values.push({ metricName: `${name}_count`, labels: {}, value: count })
    return Promise.resolve({ name, help, type, aggregator: 'sum', values })
  }
}
