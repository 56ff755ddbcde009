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
    }),
    logout: async (_, { caller }) => {
      await tokens.revoke(caller.subject, caller.token.id)
    },
  }
}
