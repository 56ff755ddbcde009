import type { SignedIn } from '@sallyport/core'
import type { Tokens } from '@sallyport/identity'
import type { Authorize } from '../authorize.ts'
import type { NounRoutes } from '../implementation.ts'
import { actorView, person, scopeView, time } from '../views.ts'

export function whoamiRoutes(
  tokens: Pick<Tokens, 'revoke'>,
  authorize: Pick<Authorize, 'mayAdminister'>,
): NounRoutes<'whoami'> {
  return {
    get: (_, { caller: { subject, token } }) => ({
      principal: { ...person(subject.principal), groups: [...subject.principal.groups] },
      actor: actorView(subject.actor),
      ...scopeView(subject.scope),
      token: { id: token.id, label: token.label, expiresAt: time(token.expiresAtMs) },
      mayAdminister: authorize.mayAdminister(subject),
      ...(subject.signedIn !== undefined && { signedIn: signedInView(subject.signedIn) }),
    }),
    logout: async (_, { caller }) => {
      await tokens.revoke(caller.subject, caller.token.id)
    },
  }
}

function signedInView({ acr, amr, atMs }: SignedIn) {
  return { acr: [...acr], amr: [...amr], ...(atMs !== undefined && { at: time(atMs) }) }
}
