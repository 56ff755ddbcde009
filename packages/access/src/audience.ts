import { randomBytes } from 'node:crypto'
import type { Audience, Clock, Permit, RecordingEvent, Subject, Watchers } from '@sallyport/core'
import type { Recorder } from '@sallyport/recording'
import { isParty } from './party.ts'
import { maxWaitingBytes, Watching } from './watching.ts'

/** Of one session. */
export const maxWatchers = 16
/** How often it is looked whether those who watch are still there. */
const lookMs = 5_000
const tooSlow = `you were more than ${maxWaitingBytes / 1024} KiB behind the session`

/** Those who watch one session: they are shown what is recorded of it, as it is. */
export class SessionAudience implements Audience, Recorder {
  readonly #recorder: Recorder
  readonly #clock: Clock
  readonly #watching = new Set<Watching>()
  readonly #listeners = new Set<() => void>()
  #of: { readonly subject: Subject } | undefined
  #recorded = 0
  #look: NodeJS.Timeout | undefined
  #isOver = false

  /** @param recorder what is appended to it is shown as well */
  constructor(recorder: Recorder, clock: Clock) {
    this.#recorder = recorder
    this.#clock = clock
  }

  /** Whose session it is. */
  of(session: { readonly subject: Subject }): void {
    this.#of = session
  }

  /**
   * @returns undefined where as many watch as may, or the session is over
   * @throws Fault gateway/cannot-record
   */
  join(by: Subject): Watching | undefined {
    if (this.#isOver || this.#watching.size >= maxWatchers) return undefined
    this.append({ kind: 'watcher', by: by.principal.id, state: 'came' })
    this.commit()
    const watching = new Watching(randomBytes(16).toString('hex'), by, this.#clock, (it) => this.#left(it))
    this.#watching.add(watching)
    this.#look ??= setInterval(() => this.#dropSilent(), lookMs)
    this.#changed()
    return watching
  }

  /** By its id, for who it is of. */
  watching(id: string, by: Subject): Watching | undefined {
    return [...this.#watching].find((it) => it.id === id && it.by.actor.id === by.actor.id)
  }

  isPresent({ obligations: { watchers } }: Permit): boolean {
    return watchers === undefined || this.isMet(watchers)
  }

  isMet(watchers: Watchers): boolean {
    const groups = [...this.#watching].flatMap(({ by }) => (this.#counts(by) ? by.principal.groups : []))
    return watchers.every((any) => any.some((group) => groups.includes(group)))
  }

  /** Nobody watches themselves, whatever hat they wear, and nobody has others watch for them. */
  #counts(by: Subject): boolean {
    if (this.#of === undefined || by.actor.id !== by.principal.id) return false
    const { principal, actor } = this.#of.subject
    return !isParty(by, { requester: principal, actor })
  }

  onChange(changed: () => void): Disposable {
    const own = (): void => changed()
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }

  // hot path
  append(event: RecordingEvent): void {
    this.#recorder.append(event)
    this.#recorded++
    if (this.#watching.size === 0) return
    const shown = { ...event, seq: this.#recorded, at: this.#clock.now() }
    const slow = [...this.#watching].filter((watching) => !watching.show(shown))
    for (const watching of slow) watching.end(tooSlow)
  }

  commit(): void {
    this.#recorder.commit()
  }

  durable(): Promise<void> {
    return this.#recorder.durable()
  }

  close(): Promise<void> {
    this.over()
    return this.#recorder.close()
  }

  /** There is nothing more to be seen. */
  over(): void {
    this.#isOver = true
    clearInterval(this.#look)
    for (const watching of this.#watching) watching.end('the session has ended')
  }

  #dropSilent(): void {
    for (const watching of this.#watching)
      if (watching.isSilent) watching.end('nothing was heard of you any more')
  }

  #left(watching: Watching): void {
    this.#watching.delete(watching)
    if (this.#isOver) return
    if (this.#watching.size === 0) {
      clearInterval(this.#look)
      this.#look = undefined
    }
    try {
      this.append({ kind: 'watcher', by: watching.by.principal.id, state: 'left' })
      this.commit()
    } catch {
      // A recorder that fails has told whoever ends sessions.
    }
    this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
