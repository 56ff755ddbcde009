import type { AccessEvent } from '@sallyport/access'
import type { Store } from '@sallyport/store'
import { shortened } from '@sallyport/store'

type Refused = Extract<AccessEvent, { kind: 'log-in-refused' }>

/**
 * Tells webhooks of log-ins that were refused: the first of each code at once, those within the minute after it together. Anybody can
 * try to log in, and must not thereby fill the store or a channel.
 */
export class RefusedLogIns implements Disposable {
  readonly #store: Pick<Store, 'write'>
  readonly #onTrouble: (error: unknown) => void
  /** By code, of which there are few; how many there were since it was told. */
  readonly #since = new Map<string, { count: number; last: Refused; readonly timer: NodeJS.Timeout }>()

  constructor(store: Pick<Store, 'write'>, onTrouble: (error: unknown) => void) {
    this.#store = store
    this.#onTrouble = onTrouble
  }

  take(refused: Refused): void {
    const open = this.#since.get(refused.code)
    if (open === undefined) return this.#tell(refused, 1)
    open.count++
    open.last = refused
  }

  #tell(last: Refused, count: number): void {
    const timer = setTimeout(() => {
      const since = this.#since.get(last.code)
      this.#since.delete(last.code)
      if (since !== undefined && since.count > 0) this.#tell(since.last, since.count)
    }, togetherMs).unref()
    this.#since.set(last.code, { count: 0, last, timer })
    const { code, clientAddress } = last
    const refused = { code, count, clientAddress, resource: shortened(last.resource, maxNameLength) }
    this.#store
      .write('system', 'tell of refused log-ins', (tx) =>
        tx.webhooks.tell({
          event: 'session-refused',
          subject: code,
          news: () => ({ about: 'refused', refused }),
        }),
      )
      .catch(this.#onTrouble)
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#since.values()) clearTimeout(timer)
  }
}

const togetherMs = 60_000
/** Characters: it is the client's word. */
const maxNameLength = 100
