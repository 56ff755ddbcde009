import { hash } from 'node:crypto'
import {
  isRefusal,
  isSignedInAs,
  principalId,
  refusal,
  signInInWords,
  type Clock,
  type Refusal,
  type SignInTerms,
} from '@sallyport/core'
import type { Store, Writers } from '@sallyport/store'
import { shown } from './federation/claims.ts'
import { admitPerson } from './provider-users.ts'
import type { SealedBox } from './sealed-box.ts'
import { SignInProblem, type SignedInPerson, type SignInProvider } from './sign-in-provider.ts'
import { signInId } from './signed-in.ts'
import type { ProposedStepUp, StepUps } from './step-ups.ts'
import { defaultTokenMs, type MintedToken, type Tokens } from './tokens.ts'

/** A way to the provider that a browser has been sent on, sealed: it keeps that itself, so that no other can come back for it. */
export interface BegunSignIn {
  readonly url: URL
  readonly sealed: string
}

export interface CompletedSignIn {
  readonly kind: 'signed-in'
  readonly token: MintedToken
  readonly user: string
  /** Where in the gateway the browser wants to be. */
  readonly to: string
  /** The session that the browser had when it began, where that was told. */
  readonly replaces: string | undefined
}

export interface ProviderSignInParts<Flow> {
  /** What was begun by one protocol is not completed by another. */
  readonly kind: string
  readonly provider: SignInProvider<Flow>
  readonly store: Store
  readonly tokens: Tokens
  readonly box: SealedBox
  readonly clock: Clock
  /** Where people can be asked to sign in anew. */
  readonly stepUps?: Pick<StepUps, 'propose'>
  /** For the log. */
  readonly onProblem: (problem: SignInProblem, address: string) => void
}

/** What a sign-in is to be, and what for. */
export interface WantedSignIn {
  readonly terms: SignInTerms
  /** The id of a sign-in that it renews; a new one where absent. */
  readonly renews?: string
}

/** Signs people in at the provider, by their browser. */
export class ProviderSignIn<Flow = unknown> {
  readonly #parts: ProviderSignInParts<Flow>

  constructor(parts: ProviderSignInParts<Flow>) {
    this.#parts = parts
  }

  /**
   * @param back where the browser comes back to
   * @param to where in the gateway it wants to be afterwards
   * @param replaces the session that it has, where it cannot show it when it comes back
   */
  async begin(
    back: string,
    to: string,
    address: string,
    replaces?: string,
    wanted?: WantedSignIn,
  ): Promise<BegunSignIn | Refusal> {
    const { provider, box, clock } = this.#parts
    try {
      const { url, flow } = await provider.begin(back, wanted?.terms)
      const begun: SealedFlow<Flow> = { flow, to, back, replaces, wanted, endsAtMs: clock.now() + flowMs }
      const kept = JSON.stringify(begun)
      return { url, sealed: box.seal(this.#context, Buffer.from(kept)).toString('base64url') }
    } catch (thrown) {
      return this.#refused(thrown, address)
    }
  }

  /**
   * The browser has come back with the provider's answer.
   * @param answer of the address at which it came back, or of the form
   * @param sealed what it kept; it must be the one that was sent
   */
  async complete(
    answer: URLSearchParams,
    sealed: string | undefined,
    address: string,
  ): Promise<CompletedSignIn | ProposedStepUp | Refusal> {
    const begun = this.#opened(sealed)
    if (begun === undefined)
      return this.#refused(new SignInProblem('refused', 'no sign-in was begun by this browser'), address)
    try {
      const person = await this.#parts.provider.complete(answer, begun.flow, begun.back)
      const { wanted, to, replaces } = begun
      if (wanted !== undefined && !isSignedInAs(wanted.terms, person.signedIn, this.#parts.clock.now()))
        return this.#notAsAsked(wanted.terms, person, address)
      const { stepUps } = this.#parts
      if (wanted?.renews !== undefined && stepUps !== undefined)
        return await stepUps.propose(person, wanted.renews)
      const admitted = await this.#admit(person, address)
      return isRefusal(admitted) ? admitted : { kind: 'signed-in', ...admitted, to, replaces }
    } catch (thrown) {
      return this.#refused(thrown, address)
    }
  }

  get #context(): string {
    return `sign-in by ${this.#parts.kind}`
  }

  #opened(sealed: string | undefined): SealedFlow<Flow> | undefined {
    const { box, clock } = this.#parts
    try {
      const opened = box.open(this.#context, Buffer.from(sealed ?? '', 'base64url')).toString('utf8')
      // Sealed by this very class.
      const begun = JSON.parse(opened) as SealedFlow<Flow>
      return begun.endsAtMs > clock.now() ? begun : undefined
    } catch {
      return undefined
    }
  }

  async #admit(
    person: SignedInPerson,
    address: string,
  ): Promise<{ readonly token: MintedToken; readonly user: string } | Refusal> {
    const { store, tokens, box, clock, onProblem } = this.#parts
    return store.write('system', 'sign-in', async (tx) => {
      const taken = await takenBefore(tx, person)
      if (taken !== undefined) {
        onProblem(new SignInProblem('refused', taken), address)
        tx.note(`${taken}: nobody was signed in from ${address}, by ${person.issuer}`, {
          kind: 'log-in-failed',
          address,
        })
        return notSignedIn
      }
      const heard = { nowMs: clock.now(), isAskedAgain: person.refresh !== undefined }
      const user = await admitPerson(tx, person, heard)
      if (user === undefined) {
        tx.note(`somebody who is shut out was not signed in from ${address}, by ${person.issuer}`, {
          kind: 'log-in-failed',
          address,
        })
        return notSignedIn
      }
      const id = signInId(clock.now())
      const { issuer, sid, signedIn, endsAtMs, refresh: token } = person
      const refresh = token === undefined ? null : box.sealText(refreshContext(id), token)
      await tx.signIns.add({ id, userName: user.name, issuer, sid, signedIn, refresh })
      const minted = await tokens.mintWithin(tx, {
        principalId: principalId('user', user.name),
        label: 'browser',
        kind: 'spb',
        signIn: id,
        ...(endsAtMs !== undefined && { lifetimeMs: Math.min(defaultTokenMs, endsAtMs - clock.now()) }),
      })
      if (isRefusal(minted)) return notSignedIn
      tx.note(`user ${user.name} signed in from ${address}, by ${issuer}`, {
        kind: 'log-in',
        principal: principalId('user', user.name),
        address,
      })
      return { token: minted, user: user.name }
    })
  }

  #notAsAsked(terms: SignInTerms, { signedIn }: SignedInPerson, address: string): Refusal {
    const was = signedIn.acr.length === 0 ? 'no class of sign-in' : signedIn.acr.map(shown).join(', ')
    const why = `it was asked for ${signInInWords(terms)}, and says ${was}`
    this.#parts.onProblem(new SignInProblem('refused', why), address)
    return notAsAsked
  }

  #refused(thrown: unknown, address: string): Refusal {
    if (!(thrown instanceof SignInProblem)) throw thrown
    this.#parts.onProblem(thrown, address)
    return thrown.kind === 'unavailable' ? unavailable : notSignedIn
  }
}

/** @returns in words, where an answer that is good once was brought before */
async function takenBefore(tx: Writers, { issuer, once }: SignedInPerson): Promise<string | undefined> {
  if (once === undefined) return undefined
  const key = hash('sha256', JSON.stringify([issuer, once.id]), 'hex')
  const taken = await tx.signIns.takeAnswer(key, once.untilMs)
  if (taken === 'new') return undefined
  return taken === 'again'
    ? 'the provider’s answer was brought before'
    : 'too many sign-ins are to be remembered'
}

interface SealedFlow<Flow> {
  readonly flow: Flow
  readonly to: string
  readonly back: string
  readonly replaces: string | undefined
  readonly wanted: WantedSignIn | undefined
  readonly endsAtMs: number
}

/** What a sign-in's refresh token is sealed for. */
export function refreshContext(id: string): string {
  return `refresh token of ${id}`
}

const notSignedIn = refusal(
  'invalid-credential',
  'you were not signed in',
  'begin again; if it goes on, ask an administrator',
)
const notAsAsked = refusal(
  'invalid-credential',
  'you were signed in, but not as strongly or as lately as is asked for',
  'begin again, and use what your provider asks for then; if it asks for nothing, ask an administrator',
)
const unavailable = refusal(
  'invalid-credential',
  'the identity provider cannot be asked just now',
  'try again in a minute; sessions in progress go on',
)
const flowMs = 600_000
