import { isRefusal, principalId, refusal, type Clock, type Refusal, type SignedIn } from '@sallyport/core'
import type { Readers, Store, TokenRow } from '@sallyport/store'
import type { SealedBox } from './sealed-box.ts'
import type { SignedInPerson } from './sign-in-provider.ts'

/** Somebody has signed in anew: they see by what stands their sign-in, and say that it is to stand by this one. */
export interface ProposedStepUp {
  readonly kind: 'step-up'
  /** Of the sign-in that is to be renewed. */
  readonly id: string
  readonly user: string
  readonly signedIn: SignedIn
  /** What would stand by it: programs that they have let in, the newest first. */
  readonly tokens: readonly Pick<TokenRow, 'id' | 'label' | 'actor' | 'createdAt'>[]
  /** Kept by the browser alone, until they say so. */
  readonly sealed: string
}

export interface StepUpParts {
  readonly store: Store
  readonly box: SealedBox
  readonly clock: Clock
}

/**
 * Sign-ins that are renewed by a new one of the same person, so that what stands by them need not begin anew. Nobody is led into that by a
 * link alone: what stands by somebody's sign-in may be in other hands.
 */
export class StepUps {
  readonly #parts: StepUpParts

  constructor(parts: StepUpParts) {
    this.#parts = parts
  }

  /** @param id of the sign-in that is to be renewed */
  async propose(person: SignedInPerson, id: string): Promise<ProposedStepUp | Refusal> {
    const { store, box, clock } = this.#parts
    const found = await this.#find(store.read, id, person)
    if (isRefusal(found)) return found
    const { signedIn, sid, issuer, subject } = person
    const kept: Kept = { id, issuer, subject, signedIn, sid, endsAtMs: clock.now() + confirmMs }
    const sealed = box.seal(context, Buffer.from(JSON.stringify(kept))).toString('base64url')
    return { kind: 'step-up', id, ...found, signedIn, sealed }
  }

  /**
   * @param sealed what the browser keeps, and may have come to keep since from another page
   * @param id of the sign-in by which stands what the person has seen
   * @returns whose it is
   */
  async confirm(
    sealed: string | undefined,
    id: string | undefined,
    address: string,
  ): Promise<string | Refusal> {
    const kept = this.#opened(sealed)
    if (kept === undefined || kept.id !== id) return notTheirs
    const { signedIn, sid, issuer } = kept
    return this.#parts.store.write('system', 'step-up', async (tx) => {
      const found = await this.#find(tx, id, kept)
      if (isRefusal(found)) return found
      await tx.signIns.renew(id, { signedIn, sid, refresh: null })
      tx.note(`user ${found.user} signed in anew from ${address}, by ${issuer}`, {
        kind: 'log-in',
        principal: principalId('user', found.user),
        address,
      })
      return found.user
    })
  }

  /** What stands by a sign-in of this very person. */
  async #find(
    { signIns, users, tokens }: Pick<Readers, 'signIns' | 'users' | 'tokens'>,
    id: string,
    { issuer, subject }: Pick<SignedInPerson, 'issuer' | 'subject'>,
  ): Promise<Pick<ProposedStepUp, 'user' | 'tokens'> | Refusal> {
    const row = await signIns.get(id)
    const user = row === undefined ? undefined : await users.get(row.userName)
    const isTheirs =
      row?.issuer === issuer && user?.provider?.issuer === issuer && user.provider.subject === subject
    if (!isTheirs || user.disabledAt !== null) return notTheirs
    const now = this.#parts.clock.now()
    const all = await tokens.list(principalId('user', user.name), maxListed)
    const living = all.filter(
      ({ signIn, revokedAt, expiresAt }) => signIn === id && revokedAt === null && expiresAt > now,
    )
    return living.length === 0 ? notTheirs : { user: user.name, tokens: living }
  }

  #opened(sealed: string | undefined): Kept | undefined {
    const { box, clock } = this.#parts
    try {
      // Sealed by this very class.
      const kept = JSON.parse(
        box.open(context, Buffer.from(sealed ?? '', 'base64url')).toString('utf8'),
      ) as Kept
      return kept.endsAtMs > clock.now() ? kept : undefined
    } catch {
      return undefined
    }
  }
}

interface Kept extends Pick<SignedInPerson, 'issuer' | 'subject' | 'signedIn' | 'sid'> {
  /** Of the sign-in that is renewed. */
  readonly id: string
  readonly endsAtMs: number
}

/** Whatever is wrong: nobody learns whose a sign-in is. */
const notTheirs = refusal(
  'invalid-credential',
  'this is for somebody else, or is over',
  'run again what you have run, and open the link that it shows then',
)
const context = 'step-up'
const confirmMs = 600_000
const maxListed = 1000
