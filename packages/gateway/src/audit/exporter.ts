import type { Store } from '@sallyport/store'
import type { AuditReceiver } from './receivers.ts'

export interface ExporterParts {
  readonly store: Pick<Store, 'read' | 'write'>
  readonly receiver: AuditReceiver
  /** It could not be sent, and is tried again: told once until it can. */
  readonly onTrouble: (error: unknown) => void
  /** How often it looks for what is new. */
  readonly lookMs?: number
}

/** Whether the last ones that were sent are sent once more: that they were written does not say that they arrived. */
type Again = 'not' | 'with what is new' | 'now'

/**
 * Sends the audit log to somewhere else, entry by entry in their order, none left out. How far it has come is kept in the store: what was
 * on its way when the gateway or the receiver died is sent again. Nobody waits for it.
 */
export class AuditExporter implements AsyncDisposable {
  readonly #parts: ExporterParts
  readonly #end = new AbortController()
  readonly #running: Promise<void>
  #isTroubled = false

  constructor(parts: ExporterParts) {
    this.#parts = parts
    this.#running = this.#run()
  }

  /** Of its receiver. */
  get name(): string {
    return this.#parts.receiver.name
  }

  /** The last attempt failed. */
  get isTroubled(): boolean {
    return this.#isTroubled
  }

  async #run(): Promise<void> {
    const { signal } = this.#end
    const { lookMs = 1000 } = this.#parts
    let again: Again = 'with what is new'
    for (let failed = 0; !signal.aborted;) {
      try {
        const count = await this.#sendSome(again)
        if (count > 0 || again === 'now') again = 'not'
        failed = 0
        this.#isTroubled = false
        if (count < atOnce) await wait(lookMs, signal)
      } catch (thrown) {
        if (signal.aborted) return
        again = 'now'
        if (!this.#isTroubled) this.#parts.onTrouble(thrown)
        this.#isTroubled = true
        await wait(Math.min(longestWaitMs, 1000 * 2 ** failed++), signal)
      }
    }
  }

  async #sendSome(asked: Again): Promise<number> {
    const { store, receiver } = this.#parts
    const taken = await store.read.audit.taken(receiver.name)
    const fresh = await store.read.audit.after(taken, atOnce)
    const repeated = receiver.isCutOff() ? 'now' : asked
    if (fresh.length === 0 && repeated !== 'now') return 0
    const overlap = repeated === 'not' ? 0 : Math.min(receiver.overlap, taken)
    const again = overlap === 0 ? [] : await store.read.audit.after(taken - overlap, overlap)
    const entries = [...again, ...fresh]
    if (entries.length > 0) await receiver.take(entries, this.#end.signal)
    const last = fresh.at(-1)
    if (last !== undefined)
      await store.write('system', 'audit', (tx) => tx.audit.setTaken(receiver.name, last.seq))
    return fresh.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#running
    await this.#parts.receiver[Symbol.asyncDispose]()
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms).unref()
    signal.addEventListener('abort', done, { once: true })
  })
}

const atOnce = 500
const longestWaitMs = 60_000
