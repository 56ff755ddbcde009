import type { Secret } from '@sallyport/core'
import { Secret as SecretText } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { openStore, type Store } from '@sallyport/store'
import { Passwords } from '../passwords.ts'
import { SetupLinks } from '../setup-links.ts'
import { Tokens } from '../tokens.ts'
import { Users } from '../users.ts'

/** Everything about local identity over an empty store in memory. */
export interface Fixture extends AsyncDisposable {
  readonly clock: FakeClock
  readonly store: Store
  readonly tokens: Tokens
  readonly users: Users
  readonly links: SetupLinks
}

/** Hashes at the least cost there is. */
export const cheap = { memoryKib: 8, passes: 1, lanes: 1 }

export const password: Secret = new SecretText('correct horse battery')

export async function identityFixture(): Promise<Fixture> {
  const clock = new FakeClock()
  const store = await openStore({ file: ':memory:', clock })
  const passwords = new Passwords(cheap)
  const tokens = new Tokens(store, clock)
  return {
    clock,
    store,
    tokens,
    users: new Users(store, passwords),
    links: new SetupLinks(store, clock, passwords),
    async [Symbol.asyncDispose]() {
      tokens[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
