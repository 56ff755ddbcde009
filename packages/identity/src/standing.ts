import { isDeepStrictEqual } from 'node:util'
import {
  isDelegated,
  onOwnBehalf,
  refusal,
  type Clock,
  type Principal,
  type Refusal,
  type SignedIn,
  type Subject,
} from '@sallyport/core'
import type { Readers, SignInRow, Store, StoreChange, TokenRow } from '@sallyport/store'
import type { Authenticated } from './authenticator.ts'
import { currentPrincipal, userNameOf } from './principals.ts'

/** A Refusal once what was proven no longer stands, and then never again; a Subject when its groups, its name or its sign-in have changed. */
export type OnStanding = (now: Refusal | Subject) => void

interface Watch {
  readonly who: Authenticated
  readonly listener: OnStanding
  /** What the listener knows. */
  subject: Subject
}

/**
 * Watches over what was once proven: a revoked token and a disabled user end what they opened before the revocation's write is
 * done. Expiry is not watched: `expiresAtMs` says it from the start.
 */
export class Standing implements Disposable {
  readonly #store: Store
  readonly #clock: Clock
  readonly #watches = new Set<Watch>()
  readonly #listening: Disposable
  #moment = 0

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
    this.#listening = store.onCommit((changes) => this.#onCommit(changes))
  }

  /** Counts what could end anybody's standing. What was read before it moved may be out of date. */
  get moment(): number {
    return this.#moment
  }

  /** @param since {@link moment} when `who` was read: what happened in between is told as well */
  watch(who: Authenticated, since: number, listener: OnStanding): Disposable {
    const watch = { who, listener, subject: who.subject }
    this.#watches.add(watch)
    if (since !== this.#moment) void this.#lookAgain(watch)
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) }
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
    this.#watches.clear()
  }

  #onCommit(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (!concernsStanding(change)) continue
      this.#moment++
      for (const watch of this.#watches) {
        if (!concerns(change, watch.who)) continue
        if (change.verb === 'ended' && change.table !== 'issuers') this.#end(watch)
        else void this.#lookAgain(watch)
      }
    }
  }

  /** Fails closed: where the store cannot be asked, it has ended. */
  async #lookAgain(watch: Watch): Promise<void> {
    const { who, listener } = watch
    try {
      const { read } = this.#store
      const token = await standingToken(read, who.token.id, this.#clock.now())
      const principal = token && (await currentPrincipal(read, token.principalId))
      if (token === undefined || principal === undefined) return this.#end(watch)
      const signIn = await signInBehind(read, token)
      const subject = becoming(watch.subject, principal, signIn?.signedIn)
      if (!this.#watches.has(watch) || isDeepStrictEqual(subject, watch.subject)) return
      watch.subject = subject
      listener(subject)
    } catch {
      this.#end(watch)
    }
  }

  #end(watch: Watch): void {
    if (this.#watches.delete(watch)) watch.listener(revoked())
  }
}

/** By its id; undefined where it is unknown, revoked or over. */
export async function standingToken(
  { tokens }: Pick<Readers, 'tokens'>,
  id: string,
  nowMs: number,
): Promise<TokenRow | undefined> {
  const token = await tokens.get(id)
  return token !== undefined && token.revokedAt === null && token.expiresAt > nowMs ? token : undefined
}

/** How somebody is here who shows a token. A key stands by a sign-in, and is none: whoever comes by it has shown nothing else. */
export async function signInBehind(
  { signIns }: Pick<Readers, 'signIns'>,
  { signIn, sshKey }: TokenRow,
): Promise<SignInRow | undefined> {
  return signIn === null || sshKey !== null ? undefined : signIns.get(signIn)
}

/** Does it change what a cached answer or a live session rests on? */
export function concernsStanding(change: StoreChange): boolean {
  const { table, verb } = change
  if (table === 'tokens') return verb === 'ended'
  return table === 'users' || table === 'issuers' || table === 'signIns'
}

export function concerns(change: StoreChange, who: Authenticated): boolean {
  if (change.table === 'tokens') return change.key === who.token.id
  if (change.table === 'signIns') return change.key === who.token.signIn?.id
  const { kind, id } = who.subject.principal
  return change.table === 'issuers'
    ? kind === 'workload'
    : change.table === 'users' && change.key === userNameOf(id)
}

function becoming(subject: Subject, principal: Principal, signedIn: SignedIn | undefined): Subject {
  const { signedIn: _before, source, ...before } = subject
  return {
    ...(isDelegated(subject) ? { ...before, principal } : onOwnBehalf(principal)),
    ...(source !== undefined && { source }),
    ...(signedIn !== undefined && { signedIn }),
  }
}

function revoked(): Refusal {
  return refusal(
    'access-revoked',
    'your access was revoked',
    'ask an administrator, or sign in again: sallyport login',
  )
}
