import { isRefusal, principalId, Secret, type Refusal } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { privateKeyFromSeed } from '@sallyport/openssh'
import { openStore, type Store } from '@sallyport/store'
import { Passwords } from '../passwords.ts'
import { SetupLinks } from '../setup-links.ts'
import { SignIn } from '../sign-in.ts'
import { KeyLogIns, type RefusedKey } from '../ssh/key-log-ins.ts'
import { RegisteredKeys } from '../ssh/registered-keys.ts'
import { UserCertificates } from '../ssh/user-certificates.ts'
import { Throttle } from '../throttle.ts'
import { Tokens, type MintedToken, type TokenRequest } from '../tokens.ts'
import { disableUser, setPasswordHash } from '../users.ts'

/** Everything about local identity over an empty store in memory. */
export interface Fixture extends AsyncDisposable {
  readonly clock: FakeClock
  readonly store: Store
  readonly tokens: Tokens
  readonly throttle: Throttle
  readonly passwords: Passwords
  readonly signIn: SignIn
  readonly links: SetupLinks
  readonly registeredKeys: RegisteredKeys
  readonly certificates: UserCertificates
  readonly keys: KeyLogIns
  /** Why keys and certificates were refused. */
  readonly refusedKeys: RefusedKey[]
  create(name: string, groups?: readonly string[], displayName?: string): Promise<boolean>
  setPassword(name: string, password: Secret): Promise<boolean>
  disable(name: string): Promise<boolean>
  enable(name: string): Promise<boolean>
  /** A token that is good. */
  mint(name: string, request?: Partial<TokenRequest>): Promise<MintedToken>
  log(name: string, password: Secret, address?: string): Promise<MintedToken | Refusal>
}

/** Hashes at the least cost there is. */
export const cheap = { memoryKib: 8, passes: 1, lanes: 1 }

/** Signs certificates of users. */
export const userAuthority = privateKeyFromSeed(Buffer.alloc(32, 11))

export const password: Secret = new Secret('correct horse battery')

export async function identityFixture(): Promise<Fixture> {
  const clock = new FakeClock()
  const store = await openStore({ file: ':memory:', clock })
  const passwords = new Passwords(cheap)
  const throttle = new Throttle(clock)
  const tokens = new Tokens(store, clock)
  const registeredKeys = new RegisteredKeys({ store, tokens, clock })
  const certificates = new UserCertificates({ store, tokens, clock, authority: userAuthority })
  const refusedKeys: RefusedKey[] = []
  const signIn = new SignIn({ store, tokens, passwords, throttle, clock })
  return {
    clock,
    store,
    tokens,
    throttle,
    passwords,
    signIn,
    registeredKeys,
    certificates,
    refusedKeys,
    keys: new KeyLogIns({
      registered: registeredKeys,
      certificates,
      onRefused: (refused) => void refusedKeys.push(refused),
    }),
    links: new SetupLinks({ store, clock, tokens, passwords, throttle }),
    create: (name, groups = [], displayName = '') =>
      store.write('system', 'test', (tx) => tx.users.create({ name, displayName, groups })),
    async setPassword(name, chosen) {
      const hash = await passwords.hash(chosen)
      return store.write('system', 'test', (tx) => setPasswordHash(tx, name, hash))
    },
    disable: (name) => store.write('system', 'test', (tx) => disableUser(tx, name)),
    enable: (name) => store.write('system', 'test', (tx) => tx.users.enable(name)),
    async mint(name, request = {}) {
      const minted = await tokens.mint('system', {
        principalId: principalId('user', name),
        label: '',
        ...request,
      })
      if (isRefusal(minted)) throw new Error(minted.reason)
      return minted
    },
    log: (name, shown, address = '10.0.0.1') =>
      signIn.withPassword({ name, password: shown, address, label: 'log-in' }),
    async [Symbol.asyncDispose]() {
      tokens[Symbol.dispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}
