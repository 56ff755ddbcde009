import { randomBytes } from 'node:crypto'
import {
  onOwnBehalf,
  Secret,
  timeOrderedId,
  type Actor,
  type Clock,
  type LoginCredential,
  type Principal,
  type PrincipalId,
  type Refusal,
  type Subject,
} from '@sallyport/core'
import type { NewToken, Store, StoreChange, TokenRow, Writers } from '@sallyport/store'
import { invalidCredential, type Authenticated, type Authenticator } from './authenticator.ts'
import { KnownTokens } from './known-tokens.ts'
import { mintOpaque, opaqueHash, type RandomBytes } from './opaque-token.ts'
import { currentPrincipal } from './principals.ts'
import {
  concerns,
  concernsStanding,
  signInBehind,
  Standing,
  standingToken,
  type OnStanding,
} from './standing.ts'

export const defaultTokenMs = 3_600_000
export const maxTokenMs = 12 * 3_600_000

/** A new access token. */
export interface MintedToken {
  readonly id: string
  /** Shown this once: only its hash is kept. */
  readonly token: Secret
  readonly principalId: PrincipalId
  readonly label: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

export interface TokenRequest {
  readonly principalId: PrincipalId
  /** What will use it for the principal; the principal itself where absent. */
  readonly actor?: Actor
  /** What it is for, in its owner's words. */
  readonly label: string
  /** At most {@link maxTokenMs}; {@link defaultTokenMs} where absent. */
  readonly lifetimeMs?: number
  /** The id of the token by which it was asked for: it ends with that at the latest, and with the issuer by which that stands. */
  readonly by?: string
  /** `spb`: of a browser's session, good for nothing but that. */
  readonly kind?: 'sp' | 'spb'
  /** The sign-in at a provider by which it stands; that of `by` where absent. */
  readonly signIn?: string
  /**
   * The id of a token by which a person let a program of theirs in, just now: it lives its own time, by the same sign-in. Absent where
   * it was asked for otherwise.
   */
  readonly signedInBy?: string
}

/** Mints, knows and revokes access tokens. Revocation holds at once, here and for whoever watches. */
export class Tokens implements Authenticator, Disposable {
  readonly #store: Store
  readonly #clock: Clock
  readonly #random: RandomBytes
  readonly #known = new KnownTokens(maxKnown)
  readonly #standing: Standing
  readonly #listening: Disposable
  /** When what was proven was read, as the standing counts. */
  readonly #readAt = new WeakMap<Authenticated, number>()
  readonly #usedAtMs = new WeakMap<Authenticated, number>()

  constructor(store: Store, clock: Clock, random: RandomBytes = randomBytes) {
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#listening = store.onCommit((changes) => this.#forget(changes))
    this.#standing = new Standing(store, clock)
  }

  [Symbol.dispose](): void {
    this.#standing[Symbol.dispose]()
    this.#listening[Symbol.dispose]()
  }

  /**
   * @returns a Refusal where the principal is unknown or disabled, or its time is over already
   * @throws RangeError for a lifetime that is not up to 12 hours
   */
  mint(by: Subject | 'system', request: TokenRequest): Promise<MintedToken | Refusal> {
    return this.#store.write(by, 'token', (tx) => this.mintWithin(tx, request))
  }

  /** {@link mint}, as part of a larger change. */
  async mintWithin(tx: Writers, request: TokenRequest): Promise<MintedToken | Refusal> {
    const { principalId, label, actor = null, lifetimeMs = defaultTokenMs } = request
    if (!(lifetimeMs > 0 && lifetimeMs <= maxTokenMs)) throw new RangeError('a token lives at most 12 hours')
    const now = this.#clock.now()
    const asked = request.by ?? request.signedInBy
    const by = asked === undefined ? undefined : await standingToken(tx, asked, now)
    // What acts for somebody has others act as well, see Delegations, and never makes a token of its principal's own; nor does what was narrowed.
    if (asked !== undefined && (by?.principalId !== principalId || by.actor !== null || by.scope !== null))
      return invalidCredential()
    const latest = request.by === undefined && by?.issuer === null ? undefined : by?.expiresAt
    const expiresAt = Math.min(now + lifetimeMs, latest ?? Number.POSITIVE_INFINITY)
    return this.issueWithin(
      tx,
      {
        principalId,
        actor,
        label,
        expiresAt,
        issuer: by?.issuer ?? null,
        sshKey: by?.sshKey ?? null,
        signIn: request.signIn ?? by?.signIn ?? null,
        // What came of an exchange ends with what was exchanged, and so does all that comes of that.
        parent: by?.parent == null ? null : by.id,
        party: by?.party ?? null,
        mayAct: by?.mayAct ?? null,
      },
      request.kind,
    )
  }

  /** Makes what somebody else has judged. @returns a Refusal where the principal is unknown or disabled */
  async issueWithin(
    tx: Writers,
    row: Omit<NewToken, 'id' | 'hash'>,
    kind: NonNullable<TokenRequest['kind']> = 'sp',
  ): Promise<MintedToken | Refusal> {
    const { principalId, label, expiresAt } = row
    if ((await currentPrincipal(tx, principalId)) === undefined) return invalidCredential()
    const now = this.#clock.now()
    const { token, hash } = mintOpaque(kind, this.#random)
    const id = this.#newId(now)
    await tx.tokens.add({ ...row, id, hash })
    return { id, token, principalId, label, createdAtMs: now, expiresAtMs: expiresAt }
  }

  /**
   * Keeps that a token of somebody else's was found good, so that what it opens can be watched and revoked as if it were ours. Of one
   * that was kept before nothing changes.
   */
  async keepWithin(tx: Writers, token: Omit<NewToken, 'id'>): Promise<void> {
    if ((await currentPrincipal(tx, token.principalId)) === undefined) return
    await tx.tokens.add({ ...token, id: this.#newId(this.#clock.now()) })
  }

  /** Tokens are shown, not offered. */
  accepts(): Promise<boolean> {
    return Promise.resolve(false)
  }

  async authenticate(credential: LoginCredential): Promise<Authenticated | Refusal> {
    const hash = credential instanceof Secret ? opaqueHash('sp', credential) : undefined
    return hash === undefined ? invalidCredential() : this.holder(hash)
  }

  /** For whom a token of this id speaks, where it was proven by other means than the token that it may be used. */
  async holderOf(id: string): Promise<Authenticated | Refusal> {
    const row = await this.#store.read.tokens.get(id)
    return row === undefined ? invalidCredential() : this.holder(row.hash)
  }

  /** Whose browser shows this, in its session. */
  async browser(session: Secret): Promise<Authenticated | Refusal> {
    const hash = opaqueHash('spb', session)
    return hash === undefined ? invalidCredential() : this.holder(hash)
  }

  /** Whoever has proven to have the token that is kept under this hash. */
  async holder(hash: string): Promise<Authenticated | Refusal> {
    const who = this.#known.get(hash) ?? (await this.#read(hash))
    const now = this.#clock.now()
    if (who === undefined || who.token.expiresAtMs <= now) return invalidCredential()
    if (now - (this.#usedAtMs.get(who) ?? 0) < usedEveryMs) return who
    this.#usedAtMs.set(who, now)
    await this.#store.traffic.tokenUsed(who.token.id)
    // It may have been revoked while that was written.
    return this.#known.get(hash) === who ? who : this.holder(hash)
  }

  /** @returns whether a living token was revoked */
  async revoke(by: Subject | 'system', id: string): Promise<boolean> {
    const ended = await this.#store.write(by, 'revoke', (tx) => tx.tokens.revoke({ id }))
    return ended.length > 0
  }

  /**
   * Tells when what {@link authenticate} has proven no longer stands, or stands with other groups or by another sign-in. What happened since is told as
   * well, so that a session which is opened while its token is being revoked ends too. Expiry is not told.
   */
  watch(who: Authenticated, listener: OnStanding): Disposable {
    return this.#standing.watch(who, this.#readAt.get(who) ?? never, listener)
  }

  /** Reads until nothing was revoked meanwhile: what is remembered is never older than the last revocation. */
  async #read(hash: string): Promise<Authenticated | undefined> {
    for (;;) {
      const moment = this.#standing.moment
      const row = await this.#store.read.tokens.byHash(hash)
      const who = row && (await this.#proven(row))
      if (moment !== this.#standing.moment) continue
      if (who === undefined) return undefined
      this.#readAt.set(who, moment)
      this.#known.add(hash, who)
      return who
    }
  }

  async #proven(row: TokenRow): Promise<Authenticated | undefined> {
    if (row.revokedAt !== null || row.expiresAt <= this.#clock.now()) return undefined
    const { read } = this.#store
    const principal = await currentPrincipal(read, row.principalId)
    if (principal === undefined) return undefined
    const signIn = await signInBehind(read, row)
    const { id, label, expiresAt: expiresAtMs } = row
    const subject = subjectOf(principal, row)
    if (signIn === undefined) return { subject, token: { id, label, expiresAtMs } }
    return {
      subject: { ...subject, signedIn: signIn.signedIn },
      token: { id, label, expiresAtMs, signIn: { id: signIn.id, issuer: signIn.issuer } },
    }
  }

  #newId(nowMs: number): string {
    return timeOrderedId('tok', nowMs, this.#random(16))
  }

  #forget(changes: readonly StoreChange[]): void {
    for (const change of changes)
      if (concernsStanding(change)) this.#known.forget((who) => concerns(change, who))
  }
}

function subjectOf(principal: Principal, { actor, scope }: TokenRow): Subject {
  const subject = actor === null ? onOwnBehalf(principal) : { principal, actor }
  return scope === null ? subject : { ...subject, scope }
}

/** No moment at all: something must have happened since. */
const never = -1
const maxKnown = 10_000
/** "Last used" is written this often at most. */
const usedEveryMs = 60_000
