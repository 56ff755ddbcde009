import { Fault, type Refusal, type SessionId, type Subject } from '@sallyport/core'
import type { Store, StoreChange } from '@sallyport/store'
import type { CurrentPolicy } from './current-policy.ts'
import { kill, type EndedSession } from './kill.ts'
import { revoked, type LiveSession } from './live-session.ts'
import { SessionEnds } from './session-ends.ts'
import type { Watching } from './watching.ts'

export interface LiveSessionsParts {
  readonly store: Pick<Store, 'onCommit' | 'write' | 'traffic'>
  readonly policy: CurrentPolicy
  readonly maxSessions: number
}

/**
 * The sessions that live, and what ends them from outside: a kill, another policy, a changed resource, a revoked grant. Each one's own token
 * and principal it watches itself.
 */
export class LiveSessions implements AsyncDisposable {
  readonly #parts: LiveSessionsParts
  readonly #live = new Map<SessionId, LiveSession>()
  readonly #subscriptions = new AsyncDisposableStack()
  readonly ends: SessionEnds
  #epoch = 0
  #closed: Fault | undefined

  constructor(parts: LiveSessionsParts) {
    this.#parts = parts
    this.ends = this.#subscriptions.use(new SessionEnds(parts.store.traffic))
    this.#subscriptions.use(parts.store.onCommit((changes) => this.#onCommit(changes)))
    this.#subscriptions.use(parts.policy.onReplaced(() => this.#rejudge()))
  }

  /** Another number after every change of a resource and every revoked grant: nothing is opened after by what was read before. */
  get epoch(): number {
    return this.#epoch
  }

  /** In the order of their start. */
  list(): readonly LiveSession[] {
    return [...this.#live.values()]
  }

  get(id: string): LiveSession | undefined {
    return this.#live.get(id as SessionId)
  }

  /** @throws Fault gateway/overloaded, or that with which new sessions are refused */
  checkRoom(): void {
    if (this.#closed !== undefined) throw this.#closed
    if (this.#live.size >= this.#parts.maxSessions)
      throw new Fault('gateway/overloaded', 'the gateway has as many sessions as it may')
  }

  admit(session: LiveSession): void {
    this.#live.set(session.id, session)
  }

  forget({ id }: LiveSession): void {
    this.#live.delete(id)
  }

  /** From now on no session begins; those that live go on. */
  refuseNew(cause: Fault): void {
    this.#closed = cause
  }

  /** Everyone at once: the gateway stops, or cannot record. */
  endAll(cause: Refusal | Fault): void {
    this.endWhere(() => true, cause)
  }

  endWhere(which: (session: LiveSession) => boolean, cause: Refusal | Fault): void {
    for (const session of this.#live.values()) if (which(session)) session.end(cause)
  }

  /** Ends one. @returns whose it is and on what; undefined where it does not live here, or is ending already */
  end(id: string, cause: Refusal): EndedSession | undefined {
    const session = this.get(id)
    if (session === undefined || session.isEnding) return undefined
    session.end(cause)
    return { principal: session.subject.principal.id, resource: session.resource.name }
  }

  /**
   * Somebody begins to watch one, who may: that is the caller's to judge.
   * @returns undefined where it does not live here, or as many watch as may
   */
  watch(id: string, by: Subject): Watching | undefined {
    const session = this.get(id)
    return session === undefined || session.isEnding ? undefined : session.audience.join(by)
  }

  /** Somebody's, of a session that lives here; undefined where it is over, or somebody else's. */
  watching(id: string, watch: string, by: Subject): Watching | undefined {
    return this.get(id)?.audience.watching(watch, by)
  }

  /** {@link kill}, of a session that lives here. */
  kill(id: string, by: Subject, why?: string): Promise<boolean> {
    return kill(this.#parts.store, (...ending) => this.end(...ending), { id, by, why })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#subscriptions.disposeAsync()
  }

  #rejudge(): void {
    for (const session of this.#live.values()) session.rejudge()
  }

  #onCommit(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      const isGrantEnd = change.table === 'grants' && change.verb === 'ended'
      if (change.table !== 'resources' && !isGrantEnd) continue
      this.#epoch++
      if (isGrantEnd) this.#grantEnded(change.key)
      else this.#resourceChanged(change)
    }
  }

  #resourceChanged({ key, verb }: StoreChange): void {
    const what = verb === 'ended' ? 'it was deleted' : 'it was changed, connect again'
    this.endWhere(
      ({ resource }) => resource.name === key,
      revoked(`the resource is not what it was: ${what}`),
    )
  }

  #grantEnded(id: string): void {
    for (const session of this.#live.values())
      if (session.grantId === id) session.grantEnded(revoked('the grant was revoked'))
  }
}
