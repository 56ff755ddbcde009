import { asFault, type Clock } from '@sallyport/core'
import type { Store, WebhookDelivery } from '@sallyport/store'
import { maxAttempts, waitMs } from './backoff.ts'
import { DeliveryProblem } from './delivery-problem.ts'
import type { Send } from './sender.ts'

/** How an attempt ended. `dead`: it failed, and was the last. */
export interface Attempted {
  readonly webhook: string
  readonly delivery: string
  readonly result: 'delivered' | 'failed' | 'dead'
  readonly attempts: number
  readonly problem?: string
}

export interface DelivererParts {
  readonly store: Pick<Store, 'read' | 'write' | 'onCommit'>
  readonly send: Send
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly onAttempt: (attempted: Attempted) => void
  readonly onTrouble: (error: unknown) => void
}

/**
 * Empties the store's outbox, each webhook by itself and one message at a time. What is sent is forgotten after the receiver took it:
 * it comes at least once, and again where the gateway died in between. One process of a gateway does this.
 */
export class Deliverer implements AsyncDisposable {
  readonly #parts: DelivererParts
  readonly #busy = new Map<string, Promise<void>>()
  readonly #end = new AbortController()
  readonly #subscription: Disposable
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #isRung = false

  constructor(parts: DelivererParts) {
    this.#parts = parts
    this.#subscription = parts.store.onCommit((changes) => {
      if (changes.some(({ table }) => table === 'webhookDeliveries' || table === 'webhooks')) this.#ring()
    })
    this.#ring()
  }

  /** Looks for what is due; while it looks, once more afterwards. */
  #ring(): void {
    if (this.#end.signal.aborted) return
    this.#isRung = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
      if (this.#isRung) this.#ring()
    })
  }

  async #look(): Promise<void> {
    const { store, clock, onTrouble } = this.#parts
    clearTimeout(this.#timer)
    let nextMs = lookMs
    try {
      while (this.#isRung && !this.#end.signal.aborted) {
        this.#isRung = false
        // Out of whatever write told us: the store is read outside of it.
        await new Promise((resolve) => setImmediate(resolve))
        const due = await store.read.webhooks.due(clock.now(), [...this.#busy.keys()])
        for (const delivery of due) this.#begin(delivery)
        const nextAt = await store.read.webhooks.nextDueAt(clock.now())
        nextMs = nextAt === undefined ? lookMs : Math.min(lookMs, nextAt - clock.now())
      }
    } catch (thrown) {
      this.#isRung = false
      nextMs = troubleMs
      onTrouble(thrown)
    }
    if (!this.#end.signal.aborted) this.#timer = setTimeout(() => this.#ring(), Math.max(nextMs, 1)).unref()
  }

  #begin(delivery: WebhookDelivery): void {
    const done = this.#deliver(delivery)
      .catch(async (thrown: unknown) => {
        this.#parts.onTrouble(thrown)
        // The store could not take what became of it: sent again at once, it would be sent for ever.
        await new Promise<void>((resolve) => {
          setTimeout(resolve, troubleMs).unref()
          this.#end.signal.addEventListener('abort', () => resolve(), { once: true })
        })
      })
      .finally(() => {
        this.#busy.delete(delivery.webhook)
        this.#ring()
      })
    this.#busy.set(delivery.webhook, done)
  }

  async #deliver({ id, webhook: name, event, at, news, attempts }: WebhookDelivery): Promise<void> {
    const { store, send, onAttempt } = this.#parts
    const webhook = await store.read.webhooks.get(name)
    if (webhook === undefined) return
    const { signal } = this.#end
    const problem = await send(webhook, { id, event, at, news }, signal).then(
      () => undefined,
      (thrown: unknown) => problemOf(thrown),
    )
    // Cut off by our own end: it is sent again when the gateway is back.
    if (problem !== undefined && signal.aborted) return
    if (problem === undefined) {
      await store.write('system', 'deliver', (tx) => tx.webhooks.delivered(id))
      onAttempt({ webhook: name, delivery: id, result: 'delivered', attempts: attempts + 1 })
      return
    }
    const next = this.#next(attempts + 1, problem)
    await store.write('system', 'deliver', (tx) => tx.webhooks.failed(id, problem.message, next))
    const result = next === 'dead' ? 'dead' : 'failed'
    onAttempt({ webhook: name, delivery: id, result, attempts: attempts + 1, problem: problem.message })
  }

  #next(failed: number, { retryAfterMs }: DeliveryProblem): 'dead' | { dueAt: number } {
    const { clock, random } = this.#parts
    if (failed >= maxAttempts) return 'dead'
    return { dueAt: clock.now() + waitMs(failed, random(), retryAfterMs) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    this.#subscription[Symbol.dispose]()
    clearTimeout(this.#timer)
    await this.#looking
    await Promise.allSettled(this.#busy.values())
    clearTimeout(this.#timer)
  }
}

function problemOf(thrown: unknown): DeliveryProblem {
  return thrown instanceof DeliveryProblem
    ? thrown
    : new DeliveryProblem(`it failed: ${asFault(thrown).code}`)
}

/** The clock may be set meanwhile. */
const lookMs = 60_000
const troubleMs = 5_000
