import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import {
  isRefusal,
  principalId,
  Secret,
  type Clock,
  type Issuer,
  type LoginCredential,
  type Refusal,
  type SignedIn,
} from '@sallyport/core'
import type { Store } from '@sallyport/store'
import {
  invalidCredential,
  type Authenticated,
  type Authenticator,
  type CredentialUse,
} from '../authenticator.ts'
import { askForJson } from '../oidc/fetch.ts'
import { admitPerson, groupNames, maxGroups } from '../provider-users.ts'
import { keepSignIn, sessionIn, signedInBy } from '../signed-in.ts'
import type { Tokens } from '../tokens.ts'
import { WrittenRefusals } from '../written-refusals.ts'
import { claimAt, isDistributed, textsIn } from './claims.ts'
import { IssuerKeys, usable } from './issuer-keys.ts'
import { judge, type Judged } from './judge.ts'
import { wrongSignature } from './signature.ts'
import { isObject, looksLikeJwt, readJwt, type NotTaken, type UnverifiedJwt } from './jwt.ts'

/** A token that was found good, and who shows it by which rule. */
export interface Taken extends Judged {
  readonly issuer: Issuer
  readonly groups: readonly string[]
  /** What a person is called. */
  readonly called: string
  /** How a person signed in to whom it was issued; and what their session there is called. */
  readonly signedIn: SignedIn
  readonly sid: string | null
}

/** Why a token was not taken. */
export interface RefusedToken extends NotTaken {
  /** The name of the issuer that it says it is of, where that is declared. */
  readonly issuer?: string
}

export interface FederationParts {
  readonly store: Store
  readonly tokens: Tokens
  readonly clock: Clock
  /** For the log. */
  readonly onRefused: (refused: RefusedToken, from: string | undefined) => void
  /** What is published at an address. Rejects where it cannot be had. */
  readonly publishedAt?: (url: URL, certificateAuthority: string | undefined) => Promise<unknown>
}

/** Knows by the tokens of declared issuers who somebody is. */
export class Federation implements Authenticator, Disposable {
  readonly #parts: FederationParts & Required<Pick<FederationParts, 'publishedAt'>>
  readonly #listening: Disposable
  /** By `iss`; read anew once something about issuers has changed. */
  #issuers: Promise<ReadonlyMap<string, Known>> | undefined
  /** Those that were read last: keys of an issuer that is as it was stay. */
  #last: ReadonlyMap<string, Known> = new Map()
  readonly #refusals: WrittenRefusals

  constructor(parts: FederationParts) {
    this.#parts = { publishedAt: askForJson, ...parts }
    this.#refusals = new WrittenRefusals(parts.store, parts.clock)
    this.#listening = parts.store.onCommit((changes) => {
      if (changes.some(({ table }) => table === 'issuers')) this.#issuers = undefined
    })
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
  }

  /** Tokens are shown, not offered. */
  accepts(): Promise<boolean> {
    return Promise.resolve(false)
  }

  /** @param from the address of whoever shows it, for log and audit */
  async authenticate(
    credential: LoginCredential,
    from?: string,
    use: CredentialUse = 'log-in',
  ): Promise<Authenticated | Refusal> {
    if (!(credential instanceof Secret) || !looksLikeJwt(credential.reveal())) return invalidCredential()
    const text = credential.reveal()
    const judged = await this.examine(credential)
    if ('why' in judged) return this.#refused(judged, from)
    if (judged.issuer.exchange === 'once' && use !== 'exchange')
      return this.#refused({ issuer: judged.issuer.name, why: 'it is good for an exchange alone' }, from)
    const key = keyOf(text)
    const known = await this.#parts.tokens.holder(key)
    const who = isRefusal(known) ? await this.#admit(judged, key, from) : known
    return isRefusal(who)
      ? this.#refused(
          { issuer: judged.issuer.name, why: 'it was revoked, or whom it is about is shut out' },
          from,
        )
      : who
  }

  /** Whom a token would let in, and nothing is kept of it. */
  async examine(token: Secret): Promise<Taken | RefusedToken> {
    const text = token.reveal()
    const jwt = readJwt(text)
    if ('why' in jwt) return jwt
    const known = (await this.#known()).get(String(jwt.claims['iss']))
    if (known === undefined) return { why: 'its issuer is not declared' }
    const { issuer } = known
    const refused = (why: string): RefusedToken => ({ issuer: issuer.name, why })
    // All that costs nothing comes before keys are looked up.
    const judged = judge(issuer, jwt, this.#parts.clock.now())
    if ('why' in judged) return refused(judged.why)
    const wrong = await wrongSignature(text, known.keys, known.issuer.algorithms)
    if (wrong !== undefined) return refused(wrong)
    const taken = describe(issuer, judged, jwt)
    return 'why' in taken ? refused(taken.why) : taken
  }

  /** How many keys an issuer publishes now. @throws Error that says what cannot be had */
  async keysOf(issuer: Issuer): Promise<number> {
    return usable(await keySetOf(issuer, this.#parts.publishedAt)).length
  }

  /** Keeps it, and with it whom it is about. A token that was revoked is kept already. */
  async #admit(taken: Taken, key: string, from: string | undefined): Promise<Authenticated | Refusal> {
    const { store, tokens, clock } = this.#parts
    const { issuer, rule, subject, groups, called, acting, issuedAtMs, expiresAtMs, signedIn, sid } = taken
    await store.write('system', 'federation', async (tx) => {
      // It may have been declared otherwise meanwhile.
      if (!isDeepStrictEqual(await tx.issuers.get(issuer.name), issuer)) return
      if ((await tx.tokens.byHash(key)) !== undefined) return
      const person = { issuer: issuer.issuer, subject, called, groups, claimedAtMs: issuedAtMs }
      const nowMs = clock.now()
      const name =
        rule.is === 'person'
          ? (await admitPerson(tx, person, { nowMs, isAskedAgain: false }))?.name
          : rule.is.workload
      if (name === undefined) return
      tx.note(
        `a token of issuer ${issuer.name} was taken by rule ${rule.name}${from === undefined ? '' : ` from ${from}`}`,
        {
          kind: 'log-in',
          principal: principalId(rule.is === 'person' ? 'user' : 'workload', name),
          address: from,
        },
      )
      const by = { userName: name, issuer: issuer.issuer, sid, refresh: null, signedIn }
      const signIn = rule.is === 'person' ? await keepSignIn(tx, nowMs, by) : null
      await tokens.keepWithin(tx, {
        hash: key,
        principalId: principalId(rule.is === 'person' ? 'user' : 'workload', name),
        actor: acting.actor ?? null,
        label: `${issuer.name}/${rule.name}`,
        expiresAt: expiresAtMs,
        issuer: issuer.name,
        sshKey: null,
        signIn,
        party: acting.party,
        mayAct: acting.mayAct ?? null,
      })
    })
    return tokens.holder(key)
  }

  async #refused(refused: RefusedToken, from: string | undefined): Promise<Refusal> {
    const { onRefused } = this.#parts
    onRefused(refused, from)
    // Whoever is declared can be asked about it.
    if (refused.issuer !== undefined) {
      const where = from === undefined ? '' : ` from ${from}`
      const what = `a token of issuer ${refused.issuer} was refused${where}: ${refused.why}`
      await this.#refusals.write('federation-refused', 'federation', what, { address: from })
    }
    return invalidCredential()
  }

  /** @throws Fault gateway/store-unavailable */
  #known(): Promise<ReadonlyMap<string, Known>> {
    const reading = (this.#issuers ??= this.#read())
    reading.catch(() => {
      if (this.#issuers === reading) this.#issuers = undefined
    })
    return reading
  }

  async #read(): Promise<ReadonlyMap<string, Known>> {
    const { store, clock, publishedAt } = this.#parts
    const issuers = await store.read.issuers.list()
    const known = issuers.map((issuer): [string, Known] => {
      const before = this.#last.get(issuer.issuer)
      if (before !== undefined && isDeepStrictEqual(before.issuer, issuer)) return [issuer.issuer, before]
      return [issuer.issuer, { issuer, keys: new IssuerKeys(() => keySetOf(issuer, publishedAt), clock) }]
    })
    return (this.#last = new Map(known))
  }
}

interface Known {
  readonly issuer: Issuer
  readonly keys: IssuerKeys
}

/** Where an issuer's keys are, as it publishes them. @throws Error that says what cannot be had */
async function keySetOf(
  { issuer, keys, certificateAuthority }: Issuer,
  publishedAt: Required<FederationParts>['publishedAt'],
): Promise<unknown> {
  if (keys.from === 'document') return { keys: keys.keys }
  if (keys.from === 'url') return publishedAt(new URL(keys.url), certificateAuthority)
  const at = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  const metadata = await publishedAt(at, certificateAuthority)
  const { issuer: own, jwks_uri: uri } = isObject(metadata) ? metadata : {}
  // OpenID Connect Discovery section 4.3
  if (own !== issuer) throw new Error(`${at.host} publishes the metadata of another issuer`)
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new Error(`${at.host} does not publish where its keys are`)
  return publishedAt(new URL(uri), certificateAuthority)
}

/** Who a token is about. What does not fit into it, or is too much, must not be taken for nothing. */
function describe(issuer: Issuer, judged: Judged, { claims }: UnverifiedJwt): Taken | NotTaken {
  const { rule, subject } = judged
  const how = { signedIn: signedInBy(claims), sid: sessionIn(claims) }
  if (rule.is !== 'person')
    return { ...judged, ...how, issuer, groups: rule.groups, called: rule.is.workload }
  if (isDistributed(claims, issuer.groupsClaim)) return { why: 'its groups did not fit into it' }
  const claimed = textsIn(claimAt(claims, issuer.groupsClaim))
  if (claimed.length > maxGroups) return { why: `it has more than ${maxGroups} groups` }
  const called = claimAt(claims, issuer.nameClaim)
  return {
    ...judged,
    ...how,
    issuer,
    groups: groupNames([...rule.groups, ...claimed]),
    called: typeof called === 'string' ? called : subject,
  }
}

/** By what is signed: the same token with its signature written otherwise must not be another one, which nobody has revoked. */
function keyOf(text: string): string {
  return hash('sha256', `jwt\0${text.slice(0, text.lastIndexOf('.'))}`, 'hex')
}
