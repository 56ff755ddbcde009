import { isRefusal, Secret, type Refusal } from '@sallyport/core'
import type { LoopbackSignIns, MintedToken, SetupLinks, SignIn } from '@sallyport/identity'
import { ProblemError, refused } from '../../front/problem.ts'
import type { Events } from '../../telemetry/events.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export type SignInEvents = Pick<Events, 'signedIn' | 'signInRefused'>

export function setupRoutes(setupLinks: SetupLinks, events: SignInEvents): NounRoutes<'setup'> {
  return {
    look: async ({ code }, { address }) => {
      const link = await setupLinks.look(new Secret(code), address)
      if (isRefusal(link)) throw badLink(link)
      const { userName, expiresAtMs } = link
      return { expiresAt: time(expiresAtMs), ...(userName === null ? {} : { user: userName }) }
    },
    consume: async ({ code, name, password }, { address }) => {
      const minted = await setupLinks.use({
        code: new Secret(code),
        password: new Secret(password),
        address,
        ...(name === undefined ? {} : { name }),
      })
      if (isRefusal(minted)) {
        events.signInRefused(address, minted.code)
        throw badLink(minted)
      }
      events.signedIn(minted.userName, address)
      return signedIn(minted)
    },
  }
}

export interface LoginParts {
  readonly signIn: SignIn
  readonly loopback: Pick<LoopbackSignIns, 'redeem'>
  /** Where people sign in; none where they do here alone. */
  readonly providers: readonly { readonly name: string }[]
  /** `https://host:port`. */
  readonly baseUrl: () => string
}

export function loginRoutes(
  { signIn, loopback, providers, baseUrl }: LoginParts,
  events: SignInEvents,
): NounRoutes<'login'> {
  return {
    methods: () => ({
      url: baseUrl(),
      ...(providers.length > 0 && { provider: providers.map(({ name }) => name).join(' or ') }),
    }),
    withCode: async ({ code, verifier }, { address }) => {
      const minted = await loopback.redeem(new Secret(code), new Secret(verifier))
      if (isRefusal(minted)) {
        events.signInRefused(address, minted.code)
        throw refused(minted)
      }
      const view = signedIn(minted)
      events.signedIn(view.user, address)
      return view
    },
    withPassword: async ({ name, password, ttlSeconds }, { address }) => {
      const minted = await signIn.withPassword({
        name,
        password: new Secret(password),
        address,
        label: 'log-in',
        lifetimeMs: ttlSeconds * 1000,
      })
      if (!isRefusal(minted)) {
        events.signedIn(name, address)
        return signedIn(minted)
      }
      // A wrong password is written down where it is found wrong.
      events.signInRefused(address, minted.code, minted.code === 'invalid-credential')
      if (minted.code !== 'invalid-credential') throw refused(minted)
      throw new ProblemError('unauthenticated', 'the name or the password is wrong')
    },
  }
}

/** A link is no sign-in: one that is not good is something that does not exist. */
function badLink(refusal: Refusal): ProblemError {
  const { code, reason, next } = refusal
  if (code === 'invalid-credential') return new ProblemError('not-found', reason, { next })
  return code === 'denied' ? new ProblemError('invalid-request', reason, { next }) : refused(refusal)
}

/** A person's, whose id is their name. */
export function signedIn({ principalId, token, expiresAtMs }: MintedToken) {
  return { user: principalId.replace(/^user:/, ''), token: token.reveal(), expiresAt: time(expiresAtMs) }
}
