import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { Secret, timeOrderedId, type Clock, type CredentialRequest } from '@sallyport/core'
import type { LeaseLedger, LeaseRow } from '@sallyport/store'
import type { SealedBox } from '../sealed-box.ts'
import type { Json, LeaseTerms } from './kind.ts'
import { HeldLease } from './held-lease.ts'

export interface LeasesParts {
  readonly ledger: LeaseLedger
  readonly box: Pick<SealedBox, 'sealText' | 'openText'>
  readonly clock: Clock
  /** Undoes what a source of this kind has undertaken. Called until it succeeds. */
  readonly release: (source: string, what: Json, signal: AbortSignal) => Promise<void>
  readonly onProblem: (problem: LeaseProblem) => void
}

/** Something is not undone yet; it is tried again. */
export interface LeaseProblem {
  readonly lease: string
  readonly source: string
  readonly session: string
  readonly resource: string
  readonly account: string
  readonly attempts: number
  readonly cause: unknown
}

/**
 * What sessions hold at targets and credential stores: renewed while they live, undone when they are over. What could not be undone, or
 * was left by a process that died, stands in the store and is tried again until it is, by whichever process comes first.
 */
export class Leases implements AsyncDisposable {
  readonly #parts: LeasesParts
  readonly #timer: NodeJS.Timeout
  #sweeping: Promise<void> | undefined
  #again = false
  /** In use. */
  readonly #held = new Set<string>()
  /** Used no more, which could not be written down yet. */
  readonly #unwritten = new Set<string>()
  #settled: PromiseWithResolvers<void> | undefined

  constructor(parts: LeasesParts) {
    this.#parts = parts
    this.#timer = setInterval(() => this.#sweepSoon(), lookMs).unref()
    this.#sweepSoon()
  }

  /** Writes down that something has to be undone, and keeps it alive until then. @throws Fault gateway/store-unavailable */
  async hold(
    source: string,
    { resource, account, session }: CredentialRequest,
    what: Json,
    terms: LeaseTerms | undefined,
  ): Promise<HeldLease> {
    const { ledger, box, clock } = this.#parts
    const id = timeOrderedId('lea', clock.now(), randomBytes(16))
    const sealed = box.sealText(contextOfLease(id), new Secret(JSON.stringify(what)))
    const lastsMs = terms === undefined || terms.lastsMs === Infinity ? null : Math.ceil(terms.lastsMs)
    const place = { session, resource: resource.name, account: account.name }
    await ledger.hold({ id, source, ...place, what: sealed, lastsMs })
    this.#held.add(id)
    return new HeldLease({ terms, clock, onOver: () => this.#over(id) })
  }

  /**
   * Waits until nothing is in use any more and all that was has been tried to be undone, for `ms` at most: while there still is a way
   * to targets.
   */
  async settle(ms: number): Promise<void> {
    this.#settled = Promise.withResolvers()
    this.#look()
    await Promise.race([this.#settled.promise, setTimeout(ms, undefined, { ref: false })])
  }

  /** Waits for what is being undone, for a moment. What is not undone then is at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await Promise.race([this.#sweeping, setTimeout(stopMs, undefined, { ref: false })])
  }

  async #over(id: string): Promise<void> {
    this.#held.delete(id)
    try {
      await this.#parts.ledger.over(id)
    } catch (thrown) {
      // The next start finds it all the same.
      this.#unwritten.add(id)
      throw thrown
    } finally {
      this.#sweepSoon()
    }
  }

  async #writeAgain(): Promise<void> {
    for (const id of this.#unwritten) {
      const isWritten = await this.#parts.ledger.over(id).then(
        () => true,
        () => false,
      )
      if (!isWritten) return
      this.#unwritten.delete(id)
    }
  }

  #sweepSoon(): void {
    this.#again = true
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
      this.#look()
    })
  }

  #look(): void {
    if (this.#held.size === 0 && this.#sweeping === undefined) this.#settled?.resolve()
  }

  async #sweep(): Promise<void> {
    while (this.#again) {
      this.#again = false
      await this.#writeAgain()
      const taken = await this.#parts.ledger.take(mostAtOnce, takenMs).catch(() => [])
      await Promise.all(taken.map((lease) => this.#release(lease)))
      if (taken.length === mostAtOnce) this.#again = true
    }
  }

  async #release({
    id,
    source,
    session,
    resource,
    account,
    attempts,
    what,
    endsAt,
  }: LeaseRow): Promise<void> {
    const { ledger, box, clock, release, onProblem } = this.#parts
    try {
      const text = box.openText(contextOfLease(id), what).reveal()
      // Written by this very class, and authenticated by the seal.
      await release(source, JSON.parse(text) as Json, AbortSignal.timeout(releaseMs))
      await ledger.gone(id)
    } catch (cause) {
      const failed = attempts + 1
      onProblem({ lease: id, source, session, resource, account, attempts: failed, cause })
      // By now it is over without us.
      if (endsAt !== null && endsAt <= clock.now()) return ledger.gone(id).catch(() => undefined)
      const dueAt = clock.now() + Math.min(longestMs, firstMs * 2 ** (failed - 1))
      // Where even that cannot be written, it is due again when it is no longer taken.
      await ledger.failed(id, failed, nameOf(cause), dueAt).catch(() => undefined)
    }
  }
}

/** What a row's `what` is bound to. */
export function contextOfLease(id: string): string {
  return `lease ${id}`
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.slice(0, 500) : 'unknown'
}

/** How often it is looked for what others have left, or is due again. */
const lookMs = 10_000
const mostAtOnce = 16
/** One attempt. */
const releaseMs = 15_000
/** At the gateway's end. */
const stopMs = 5_000
/** An attempt of another process is over by then. */
const takenMs = 60_000
/** Between attempts: twice as long each time. */
const firstMs = 5_000
const longestMs = 10 * 60_000
