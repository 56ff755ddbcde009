import { principalId, type Clock } from '@sallyport/core'
import type { SignInReader, Store } from '@sallyport/store'
import { refreshContext } from '../provider-sign-in.ts'
import { admitPerson, askedAgainMs, doubtPerson } from '../provider-users.ts'
import type { SealedBox } from '../sealed-box.ts'
import { SignInProblem } from '../sign-in-provider.ts'
import type { Provider } from './provider.ts'

export interface ProviderCheckParts {
  readonly provider: Pick<Provider, 'refresh' | 'issuer'>
  readonly store: Store
  readonly box: SealedBox
  readonly clock: Clock
  /** The provider could not be asked: what it said last stands. */
  readonly onUnavailable: (problem: SignInProblem) => void
}

/**
 * Asks the provider of everybody whom it has signed in whether that stands, where it gave a refresh token to ask by: once a minute as long
 * as a token stands by the sign-in, once in 15 minutes while only a key of theirs does. Groups become what it says; whom it knows no more
 * loses what they opened, and their keys let them in no more until they have signed in anew.
 */
export class ProviderChecks {
  readonly #parts: ProviderCheckParts
  #running: Promise<void> | undefined

  constructor(parts: ProviderCheckParts) {
    this.#parts = parts
  }

  /** One round. Where the last one still goes on, that one. */
  check(): Promise<void> {
    return (this.#running ??= this.#round().finally(() => (this.#running = undefined)))
  }

  async #round(): Promise<void> {
    const { store, clock } = this.#parts
    await store.write('system', 'upkeep', (tx) => tx.signIns.forgetOver())
    const used = await store.read.signIns.inUse(clock.now())
    const rows = await store.read.signIns.refreshable()
    const queue = rows.map((row): KnownSignIn => ({ ...row, isUsed: used.has(row.id) }))
    const lanes = Array.from({ length: atOnce }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        if (!(await this.#one(next))) queue.length = 0
      }
    })
    await Promise.all(lanes)
  }

  /** @returns false where the provider cannot be asked: nobody else is asked about then */
  async #one({ id, userName, refresh, isUsed }: KnownSignIn): Promise<boolean> {
    const { provider, store, box, clock, onUnavailable } = this.#parts
    const user = await store.read.users.get(userName)
    const { issuer, subject = '', vouchedUntil = 0 } = user?.provider ?? {}
    const nowMs = clock.now()
    if (!isUsed && vouchedUntil - nowMs > askedAgainMs - keysEveryMs) return true
    try {
      const isTheirs = issuer === provider.issuer && user?.disabledAt === null
      const token = box.openText(refreshContext(id), refresh)
      const person = isTheirs ? await provider.refresh(token, subject) : undefined
      await store.write('system', 'refresh', async (tx) => {
        // It may have ended meanwhile, and nobody is vouched for by what was said before.
        if ((await tx.signIns.get(id)) === undefined) return
        if (person === undefined) {
          tx.note(`the provider does not vouch for user ${userName} any more`, {
            kind: 'logout',
            principal: principalId('user', userName),
          })
          await tx.tokens.revoke({ signIn: id })
          await tx.signIns.delete(id)
          await doubtPerson(tx, userName, nowMs)
          return
        }
        if (person.refresh !== undefined && person.refresh.reveal() !== token.reveal())
          await tx.signIns.setRefresh(id, box.sealText(refreshContext(id), person.refresh))
        await admitPerson(tx, person, { nowMs, isAskedAgain: true })
      })
      return true
    } catch (thrown) {
      if (!(thrown instanceof SignInProblem)) throw thrown
      onUnavailable(thrown)
      return false
    }
  }
}

type Refreshable = Awaited<ReturnType<SignInReader['refreshable']>>[number]

interface KnownSignIn extends Refreshable {
  /** A token stands by it. */
  readonly isUsed: boolean
}

const atOnce = 8
/** How often it is asked about those of whom only keys are left. */
const keysEveryMs = 15 * 60_000
