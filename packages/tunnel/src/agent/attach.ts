import type { Welcomed } from './control.ts'
import { Link, type LinkOptions } from './link.ts'

/**
 * Keeps an agent attached to one gateway, again and again, until `signal` aborts and its connections have ended. Never rejects. Each
 * process of the gateway says how many there are when it lets the agent in; there is a link to every one.
 */
export async function attach(options: LinkOptions, signal: AbortSignal): Promise<void> {
  const links = new Links(options, signal)
  links.add(undefined)
  await links.over()
}

class Links {
  readonly #options: LinkOptions
  readonly #signal: AbortSignal
  readonly #links = new Map<Link, { readonly end: AbortController; readonly over: Promise<void> }>()

  constructor(options: LinkOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  add(process: number | undefined): void {
    const end = new AbortController()
    const link = new Link(this.#options, process, (where) => this.#onWelcomed(link, where))
    const over = this.#run(link, AbortSignal.any([this.#signal, end.signal]))
    this.#links.set(link, { end, over })
  }

  async over(): Promise<void> {
    while (this.#links.size > 0) await Promise.all([...this.#links.values()].map((it) => it.over))
  }

  async #run(link: Link, signal: AbortSignal): Promise<void> {
    try {
      await using running = link
      await running.run(signal)
    } finally {
      this.#links.delete(link)
    }
  }

  /** One link to each process there is, whatever there was before: a gateway may come back with more or fewer. */
  #onWelcomed(link: Link, { process, processes }: Welcomed): void {
    if (this.#signal.aborted || this.#links.get(link)?.end.signal.aborted === true) return
    link.process = process === 0 ? undefined : process
    const linked = new Set<number>([process])
    for (const [other, { end }] of this.#links) {
      if (other === link || end.signal.aborted) continue
      const its = other.process
      if (its !== undefined && its <= processes && !linked.has(its)) linked.add(its)
      else end.abort()
    }
    for (let each = 1; each <= Math.min(processes, maxProcesses); each++)
      if (!linked.has(each)) this.add(each)
  }
}

/** More links than this no gateway may ask for. */
const maxProcesses = 64
