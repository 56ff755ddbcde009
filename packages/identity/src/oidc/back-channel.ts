import { hash } from 'node:crypto'
import { isRefusal, principalId, refusal, type Clock, type Refusal, type Secret } from '@sallyport/core'
import type { SignInRow, Store, Writers } from '@sallyport/store'
import { IssuerKeys } from '../federation/issuer-keys.ts'
import { doubtPerson } from '../provider-users.ts'
import { WrittenRefusals } from '../written-refusals.ts'
import { readLogoutToken, type Logout } from './logout-token.ts'
import type { Provider } from './provider.ts'

export interface BackChannelParts {
  readonly provider: Pick<Provider, 'issuer' | 'clientId' | 'subjectClaim' | 'keySet'>
  readonly store: Store
  readonly clock: Clock
  /** For the log, without the token. */
  readonly onRefused: (why: string, address: string) => void
}

/**
 * Takes the provider's word, from server to server, that somebody has left: what stands by their sign-ins ends before it is answered.
 * OpenID Connect Back-Channel Logout 1.0
 */
export class BackChannel {
  readonly #parts: BackChannelParts
  readonly #keys: IssuerKeys
  readonly #refusals: WrittenRefusals

  constructor(parts: BackChannelParts) {
    this.#parts = parts
    this.#refusals = new WrittenRefusals(parts.store, parts.clock)
    this.#keys = new IssuerKeys(() => parts.provider.keySet(), parts.clock)
  }

  /**
   * Whom it is about may be unknown here, and nothing of theirs may be open: that is no refusal, and looks no different.
   * @returns how many sign-ins have ended
   * @throws Fault gateway/store-unavailable
   */
  async logOut(token: Secret, address: string): Promise<number | Refusal> {
    const { provider, store, clock } = this.#parts
    const { issuer, clientId, subjectClaim } = provider
    const judge = { issuer, clientId, subjectClaim, keys: this.#keys }
    const read = await readLogoutToken(token.reveal(), judge, clock.now())
    if ('why' in read) return this.#refused(read.why, address)
    const ended = await store.write('system', 'back-channel logout', (tx) => this.#end(tx, read))
    return isRefusal(ended) ? this.#refused(ended.reason, address) : ended
  }

  async #end(tx: Writers, logout: Logout): Promise<number | Refusal> {
    const { provider, clock } = this.#parts
    const { issuer } = provider
    const name = hash('sha256', JSON.stringify([issuer, logout.jti]), 'hex')
    if (!(await tx.signIns.takeLogout(name, logout.expiresAtMs))) return takenBefore
    const over = await signInsOf(tx, issuer, logout)
    for (const { id, userName } of over) {
      const tokens = await tx.tokens.revoke({ signIn: id })
      await tx.signIns.delete(id)
      tx.note(
        `the provider says that user ${userName} has left: ${tokens.length} tokens of a sign-in ended`,
        {
          kind: 'logout',
          principal: principalId('user', userName),
        },
      )
    }
    const { subject = '' } = logout
    const whole = await tx.users.byProvider(issuer, subject)
    const leaving = new Set([...over.map(({ userName }) => userName), ...(whole ? [whole.name] : [])])
    for (const userName of leaving) await doubtPerson(tx, userName, clock.now())
    return over.length
  }

  async #refused(why: string, address: string): Promise<Refusal> {
    this.#parts.onRefused(why, address)
    const what = `a logout token from ${address} was refused: ${why}`
    await this.#refusals.write('federation-refused', 'back-channel logout', what, { address })
    return notTaken
  }
}

/** Of a person all, of one of their sessions there what stands by that; and by one that was not named when they signed in. */
async function signInsOf(
  tx: Writers,
  issuer: string,
  { subject, sid }: Logout,
): Promise<readonly SignInRow[]> {
  const user = subject === undefined ? undefined : await tx.users.byProvider(issuer, subject)
  if (subject !== undefined && user === undefined) return []
  if (user === undefined) return sid === undefined ? [] : tx.signIns.of(issuer, { sid })
  const all = await tx.signIns.of(issuer, { userName: user.name })
  return sid === undefined ? all : all.filter((one) => one.sid === sid || one.sid === null)
}

const takenBefore = refusal('invalid-credential', 'it was taken before')
const notTaken = refusal('invalid-credential', 'the logout token is not valid')
