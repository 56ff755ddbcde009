import { Fault, refusal, type Clock, type Lease, type Refusal } from '@sallyport/core'
import { LeaseLost, type LeaseTerms } from './kind.ts'

/** A lease in use: renewed at two thirds of its time, until it is released, is lost, or may not be renewed any more. */
export class HeldLease implements Lease {
  readonly #renew: LeaseTerms['renew']
  readonly #clock: Clock
  readonly #onOver: () => Promise<void>
  readonly #released = new AbortController()
  readonly #listeners: ((cause: Refusal | Fault) => void)[] = []
  #lost: Refusal | Fault | undefined
  #timer: NodeJS.Timeout | undefined
  /** By the clock that nobody sets: when it ends unless it is renewed. */
  #endsMs = Infinity
  /** Sessions end a little sooner than what they log in with: rather by our word than by the target's. */
  #marginMs = 0
  #failures = 0

  constructor(parts: {
    readonly terms: LeaseTerms | undefined
    readonly clock: Clock
    /** Undoes it. */
    readonly onOver: () => Promise<void>
  }) {
    this.#renew = parts.terms?.renew
    this.#clock = parts.clock
    this.#onOver = parts.onOver
    if (parts.terms === undefined) return
    this.#marginMs = Math.min(longestMarginMs, parts.terms.lastsMs / 10)
    this.#lasts(parts.terms.lastsMs)
  }

  onLost(listener: (cause: Refusal | Fault) => void): void {
    this.#listeners.push(listener)
    if (this.#lost !== undefined) queueMicrotask(() => listener(this.#lost!))
  }

  async release(): Promise<void> {
    if (this.#released.signal.aborted) return
    this.#released.abort()
    clearTimeout(this.#timer)
    await this.#onOver()
  }

  #lasts(ms: number): void {
    const now = this.#clock.elapsed()
    const isProlonged = now + ms > this.#endsMs + leastGainMs || this.#endsMs === Infinity
    this.#endsMs = now + ms
    const endMs = this.#endsMs - this.#marginMs
    if (this.#renew !== undefined && isProlonged) this.#at(now + (ms * 2) / 3, () => this.#renewNow(endMs))
    else this.#at(endMs, () => this.#lose(longest))
  }

  async #renewNow(endMs: number): Promise<void> {
    try {
      const lastsMs = await this.#renew!(
        AbortSignal.any([this.#released.signal, AbortSignal.timeout(renewMs)]),
      )
      if (this.#released.signal.aborted) return
      this.#failures = 0
      this.#lasts(lastsMs)
    } catch (thrown) {
      if (this.#released.signal.aborted) return
      const retryMs = this.#clock.elapsed() + Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures++)
      if (thrown instanceof LeaseLost || retryMs >= endMs) this.#lose(gone(thrown))
      else this.#at(retryMs, () => this.#renewNow(endMs))
    }
  }

  /** Timers do not reach further than 24 days. */
  #at(atMs: number, act: () => unknown): void {
    const leftMs = Math.max(0, atMs - this.#clock.elapsed())
    this.#timer =
      leftMs > farthestMs
        ? setTimeout(() => this.#at(atMs, act), farthestMs)
        : setTimeout(() => void act(), leftMs)
  }

  #lose(cause: Refusal | Fault): void {
    this.#lost = cause
    for (const listener of this.#listeners) listener(cause)
  }
}

const longest = refusal(
  'access-expired',
  "the target's credential has reached the longest time that its store allows",
  'connect again',
)

function gone(cause: unknown): Fault {
  return new Fault(
    'gateway/credential-lost',
    "the target's credential, made for this session, could not be kept alive: connect again",
    { cause },
  )
}

/** Less than this is no longer time. */
const leastGainMs = 1_000
const longestMarginMs = 30_000
/** One attempt to renew; and the waits between those that fail, twice as long each time. */
const renewMs = 10_000
const firstWaitMs = 1_000
const longestWaitMs = 30_000
const farthestMs = 3_600_000
