import type { Tokens } from '@sallyport/identity'
import type { Authorize } from '../authorize.ts'
import type { NounRoutes } from '../implementation.ts'
import { person, time } from '../views.ts'

export function whoamiRoutes(
  tokens: Pick<Tokens, 'revoke'>,
  authorize: Pick<Authorize, 'mayAdminister'>,
): NounRoutes<'whoami'> {
  return {
    get: (_, { caller: { subject, token } }) => ({
      principal: { ...person(subject.principal), groups: [...subject.principal.groups] },
      actor: person(subject.actor),
      token: { id: token.id, label: token.label, expiresAt: time(token.expiresAtMs) },
      mayAdminister: authorize.mayAdminister(subject),
    }),
    logout: async (_, { caller }) => {
      await tokens.revoke(caller.subject, caller.token.id)
    },
  }
}
