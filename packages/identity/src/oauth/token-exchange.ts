import { isRefusal, refusal, type Clock, type Refusal, type Restriction, type Secret } from '@sallyport/core'
import type { Store, TokenRow, Writers } from '@sallyport/store'
import { invalidCredential, type Authenticated, type Authenticator } from '../authenticator.ts'
import { Delegations, wrongRestriction } from '../delegations.ts'
import { standingToken } from '../standing.ts'
import type { Throttle } from '../throttle.ts'
import { defaultTokenMs, type MintedToken, type Tokens } from '../tokens.ts'

/** What is to be exchanged. RFC 8693 section 2.1 */
export interface Exchange {
  readonly subjectToken: Secret
  /** Of whoever is to act for whom the other is about. */
  readonly actorToken?: Secret | undefined
  /** What the new one is narrowed to, on top of what the one that is shown is. */
  readonly restriction: Restriction
  /** Client address. */
  readonly address: string
}

/** A token that was exchanged for one of ours. */
export interface Exchanged extends MintedToken {
  /** By whose word. */
  readonly who: Authenticated
}

/**
 * Exchanges a token, of a declared issuer or our own, for an access token. What comes of it is never more than what was shown: it is about
 * the same principal, with the same actors and restrictions, it ends with it, and whatever ends that ends this.
 *
 * A token that is shown again is exchanged again: it is good for log-ins until its end anyway, so that nobody has more by it. How often is
 * bounded, so that one token does not fill the store; and where its issuer says `exchange: once`, it is once, and never good for a log-in.
 */
export class TokenExchange {
  readonly #store: Store
  readonly #tokens: Pick<Tokens, 'issueWithin'>
  readonly #authenticators: Pick<Authenticator, 'authenticate'>
  readonly #throttle: Pick<Throttle, 'check' | 'failed'>
  readonly #clock: Clock
  readonly #delegations: Delegations

  constructor(parts: {
    readonly store: Store
    readonly tokens: Pick<Tokens, 'issueWithin'>
    readonly authenticators: Pick<Authenticator, 'authenticate'>
    readonly throttle: Pick<Throttle, 'check' | 'failed'>
    readonly clock: Clock
  }) {
    this.#store = parts.store
    this.#tokens = parts.tokens
    this.#authenticators = parts.authenticators
    this.#throttle = parts.throttle
    this.#clock = parts.clock
    this.#delegations = new Delegations(parts)
  }

  /** @throws Fault gateway/store-unavailable */
  async exchange({ subjectToken, actorToken, restriction, address }: Exchange): Promise<Exchanged | Refusal> {
    const throttled = this.#throttle.check(address)
    if (throttled !== undefined) return throttled
    const who = await this.#shown(subjectToken, address)
    if (isRefusal(who)) return who
    const actor = actorToken && (await this.#shown(actorToken, address))
    if (actor !== undefined && isRefusal(actor)) return actor
    const minted = await this.#store.write(who.subject, 'exchange', async (tx) => {
      for (const one of [who, actor]) {
        const problem = one && (await this.#wornOut(tx, one))
        if (problem !== undefined) return problem
      }
      const lifetimeMs = defaultTokenMs
      const label = `exchanged for ${who.token.label}`
      return actor === undefined
        ? this.#exchangeWithin(tx, who, restriction, label)
        : this.#delegations.mintWithin(tx, { by: who, to: actor, restriction, lifetimeMs, label })
    })
    return isRefusal(minted) ? minted : { ...minted, who }
  }

  async #shown(token: Secret, address: string): Promise<Authenticated | Refusal> {
    const who = await this.#authenticators.authenticate(token, address, 'exchange')
    if (isRefusal(who)) this.#throttle.failed(address)
    return who
  }

  async #exchangeWithin(
    tx: Writers,
    who: Authenticated,
    restriction: Restriction,
    label: string,
  ): Promise<MintedToken | Refusal> {
    const now = this.#clock.now()
    const shown = await standingToken(tx, who.token.id, now)
    if (shown === undefined) return invalidCredential()
    // Chains are for actors, whose number is bounded.
    if (shown.parent !== null) return notAgain
    const wrong = wrongRestriction(restriction)
    if (wrong !== undefined) return wrong
    const isNarrowed = Object.values(restriction).some((it) => it !== undefined)
    const scope = [...(shown.scope ?? []), ...(isNarrowed ? [restriction] : [])]
    return this.#tokens.issueWithin(tx, {
      ...asShown(shown),
      label,
      expiresAt: Math.min(now + defaultTokenMs, shown.expiresAt),
      parent: shown.id,
      scope: scope.length === 0 ? null : scope,
    })
  }

  async #wornOut(tx: Writers, { token }: Authenticated): Promise<Refusal | undefined> {
    const shown = await standingToken(tx, token.id, this.#clock.now())
    if (shown === undefined) return invalidCredential()
    const issuer = shown.issuer === null ? undefined : await tx.issuers.get(shown.issuer)
    const most = issuer?.exchange === 'once' && shown.parent === null ? 1 : maxExchanges
    return (await tx.tokens.madeBy(shown.id)) < most ? undefined : usedUp
  }
}

/** Who it is about, and by what it stands. */
function asShown({ principalId, actor, issuer, sshKey, signIn, party, mayAct }: TokenRow) {
  return { principalId, actor, issuer, sshKey, signIn, party, mayAct }
}

const notAgain = refusal(
  'denied',
  'what was made by another token is not exchanged without an actor',
  'exchange the first one',
)
const usedUp = refusal('denied', 'this token was exchanged as often as it may be', 'ask for another')
/** Of one token, delegations by it among them. */
const maxExchanges = 100
