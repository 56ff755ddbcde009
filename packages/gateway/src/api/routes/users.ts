import { isRefusal, type Refusal, type Subject } from '@sallyport/core'
import { disableUser, type SetupCode, type SetupLinks } from '@sallyport/identity'
import type { DecisionPoint } from '@sallyport/policy'
import type { Store, User } from '@sallyport/store'
import { notFound, ProblemError } from '../../front/problem.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export interface UserParts {
  readonly store: Store
  readonly setupLinks: Pick<SetupLinks, 'invite' | 'renew'>
  readonly policies: { readonly point: DecisionPoint }
  /** `https://host:port`. */
  readonly baseUrl: () => string
}

export function userRoutes({ store, setupLinks, policies, baseUrl }: UserParts): NounRoutes<'users'> {
  const viewOf = async (name: string) => {
    const user = await store.read.users.get(name)
    if (user === undefined) throw notFound('user')
    return userView(user)
  }
  return {
    list: async () => ({ items: (await store.read.users.list()).map(userView) }),
    create: async ({ name, groups }, { caller }) => {
      const code = await setupLinks.invite(caller.subject, { name, groups })
      if (code === undefined) throw new ProblemError('conflict', `there is a user ${name} already`)
      if (isRefusal(code)) throw noPassword(code)
      return { user: await viewOf(name), setupLink: linkView(baseUrl(), code) }
    },
    setGroups: async ({ name, groups }, { caller }) => {
      mustStayAdministrator(policies.point, caller.subject, name, groups)
      if ((await store.read.users.get(name))?.provider != null)
        throw new ProblemError('conflict', `user ${name} is in the groups that their provider says`)
      const isDone = await store.write(caller.subject, 'groups', (tx) => tx.users.setGroups(name, groups))
      if (!isDone) throw notFound('user')
      return viewOf(name)
    },
    disable: async ({ name }, { caller }) => {
      if (caller.subject.principal.id === `user:${name}`) {
        throw new ProblemError('would-lock-out', 'nobody can shut themselves out', {
          next: 'have another administrator do it',
        })
      }
      const isDone = await store.write(caller.subject, 'disable a user', (tx) => disableUser(tx, name))
      if (!isDone) throw notFound('user')
      return viewOf(name)
    },
    enable: async ({ name }, { caller }) => {
      const isDone = await store.write(caller.subject, 'enable a user', (tx) => tx.users.enable(name))
      if (!isDone) throw notFound('user')
      return viewOf(name)
    },
    renewSetupLink: async ({ name }, { caller }) => {
      const code = await setupLinks.renew(caller.subject, name)
      if (code === undefined) throw notFound('local user that is not disabled')
      if (isRefusal(code)) throw noPassword(code)
      return linkView(baseUrl(), code)
    },
  }
}

/** Nobody is invited by a link that can only fail. */
function noPassword({ reason }: Refusal): ProblemError {
  return new ProblemError('conflict', reason, {
    next: 'let them sign in: they are a user from then on. See `localUsers` for who may have a password',
  })
}

/** One's own groups must still let one administer. */
function mustStayAdministrator(
  point: DecisionPoint,
  by: Subject,
  name: string,
  groups: readonly string[],
): void {
  const { principal } = by
  if (principal.id !== `user:${name}`) return
  if (point.may({ ...by, principal: { ...principal, groups } }, 'administer').effect === 'allow') return
  throw new ProblemError('would-lock-out', 'without that group you could administer the gateway no more')
}

export function linkView(baseUrl: string, { code, expiresAtMs }: SetupCode) {
  return { url: `${baseUrl}/setup#${code.reveal()}`, expiresAt: time(expiresAtMs) }
}

function userView(user: User) {
  const isInvited = user.passwordHash === null && user.provider === null
  const state = user.disabledAt !== null ? 'disabled' : isInvited ? 'invited' : 'active'
  return {
    name: user.name,
    groups: [...user.groups],
    state: state as 'disabled' | 'invited' | 'active',
    createdAt: time(user.createdAt),
    ...(user.provider !== null && { provider: user.provider.issuer }),
  }
}
