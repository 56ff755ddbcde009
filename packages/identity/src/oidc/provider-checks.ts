import type { SignInReader, Store } from '@sallyport/store'
import { refreshContext } from '../provider-sign-in.ts'
import { admitPerson } from '../provider-users.ts'
import type { SealedBox } from '../sealed-box.ts'
import { SignInProblem } from '../sign-in-provider.ts'
import type { Provider } from './provider.ts'

export interface ProviderCheckParts {
  readonly provider: Pick<Provider, 'refresh' | 'issuer'>
  readonly store: Store
  readonly box: SealedBox
  /** The provider could not be asked: what it said last stands. */
  readonly onUnavailable: (problem: SignInProblem) => void
}

/**
 * Asks the provider of everybody whom it has signed in whether that stands, where it gave a refresh token to ask by: once a minute as long
 * as something stands by the sign-in. Groups become what it says; whom it knows no more loses what they opened.
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
    const { store } = this.#parts
    await store.write('system', 'upkeep', (tx) => tx.signIns.forgetOver())
    const queue = [...(await store.read.signIns.refreshable())]
    const lanes = Array.from({ length: atOnce }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        if (!(await this.#one(next))) queue.length = 0
      }
    })
    await Promise.all(lanes)
  }

  /** @returns false where the provider cannot be asked: nobody else is asked about then */
  async #one({ id, userName, refresh }: Refreshable): Promise<boolean> {
    const { provider, store, box, onUnavailable } = this.#parts
    const user = await store.read.users.get(userName)
    const { issuer, subject = '' } = user?.provider ?? {}
    try {
      const isTheirs = issuer === provider.issuer && user?.disabledAt === null
      const token = box.openText(refreshContext(id), refresh)
      const person = isTheirs ? await provider.refresh(token, subject) : undefined
      await store.write('system', 'refresh', async (tx) => {
        if (person === undefined) {
          tx.note(`the provider does not vouch for user ${userName} any more`)
          await tx.tokens.revoke({ signIn: id })
          await tx.signIns.delete(id)
          return
        }
        if (person.refresh !== undefined && person.refresh.reveal() !== token.reveal())
          await tx.signIns.setRefresh(id, box.sealText(refreshContext(id), person.refresh))
        await admitPerson(tx, person)
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

const atOnce = 8
