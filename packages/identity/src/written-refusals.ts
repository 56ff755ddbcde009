import type { AuditKind, Clock } from '@sallyport/core'
import type { Store } from '@sallyport/store'

/** Kinds of attempts that come to nothing. */
export type RefusedKind = Extract<
  AuditKind,
  'log-in-failed' | 'federation-refused' | 'key-refused' | 'enrolment-refused'
>

/**
 * Writes attempts that were refused into the audit log, of each kind so many a minute at most: anybody can try, and must not thereby fill
 * the store. How many were left out stands in the next one that is written.
 */
export class WrittenRefusals {
  readonly #store: Pick<Store, 'write'>
  readonly #clock: Clock
  readonly #written = new Map<RefusedKind, { sinceMs: number; lines: number; leftOut: number }>()

  constructor(store: Pick<Store, 'write'>, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * @param what in words that quote neither secrets nor what anybody typed
   * @throws Fault gateway/store-unavailable
   */
  async write(
    kind: RefusedKind,
    why: string,
    what: string,
    about: { readonly address?: string | undefined; readonly principal?: string } = {},
  ): Promise<void> {
    const now = this.#clock.elapsed()
    let written = this.#written.get(kind)
    if (written === undefined || now - written.sinceMs >= minuteMs)
      this.#written.set(kind, (written = { sinceMs: now, lines: 0, leftOut: written?.leftOut ?? 0 }))
    if (written.lines++ >= maxAMinute) {
      written.leftOut++
      return
    }
    const { leftOut } = written
    written.leftOut = 0
    await this.#store.write('system', why, (tx) => {
      tx.note(what, { kind, ...about })
      if (leftOut > 0) tx.note(`${leftOut} more before it were not written down`)
      return Promise.resolve()
    })
  }
}

const minuteMs = 60_000
const maxAMinute = 60
