/** What a scrape says: its series with their labels, as text, and values. */
export class Exposition {
  readonly #series: readonly { readonly name: string; readonly labels: string; readonly value: number }[]

  /** @param text in Prometheus' text format */
  constructor(text: string) {
    this.#series = text.split('\n').flatMap((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      return name === '' ? [] : [{ name, labels, value: Number(value) }]
    })
  }

  /** Over all series of that name whose labels match. 0 where there are none. */
  sum(name: string, labels = /^/): number {
    return this.#series
      .filter((one) => one.name === name && labels.test(one.labels))
      .reduce((sum, { value }) => sum + value, 0)
  }

  /**
   * A quantile of what a histogram without labels took up since an earlier scrape: the bound of the bucket that it is in.
   * 0 where it took up nothing.
   */
  quantileSince(earlier: Exposition, name: string, quantile: number): number {
    const buckets = this.#buckets(name).map(({ bound, count }) => ({
      bound,
      count: count - earlier.sum(`${name}_bucket`, new RegExp(`le="${escaped(bound)}"`)),
    }))
    const all = buckets.at(-1)?.count ?? 0
    const found = all === 0 ? undefined : buckets.find(({ count }) => count >= all * quantile)
    if (found === undefined) return 0
    return found.bound === '+Inf' ? Number(buckets.at(-2)?.bound ?? 0) : Number(found.bound)
  }

  #buckets(name: string): { bound: string; count: number }[] {
    return this.#series
      .filter((one) => one.name === `${name}_bucket`)
      .map(({ labels, value }) => ({ bound: /le="([^"]+)"/.exec(labels)?.[1] ?? '', count: value }))
  }
}

const escaped = (text: string): string => text.replaceAll(/[.+]/g, String.raw`\$&`)
