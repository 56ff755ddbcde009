import { principalId, Secret, type IssuerRule } from '@sallyport/core'
import type { Federation } from '@sallyport/identity'
import type { Readers } from '@sallyport/store'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export function federationRoutes(
  read: Pick<Readers, 'issuers' | 'users'>,
  federation: Pick<Federation, 'examine'>,
): NounRoutes<'federation'> {
  return {
    list: async () => ({
      items: (await read.issuers.list()).map(({ name, issuer, audiences, tokens, rules }) => ({
        name,
        issuer,
        audiences: [...audiences],
        tokens,
        rules: rules.map((rule) => ({ name: rule.name, is: isOf(rule) })),
      })),
    }),
    test: async ({ token }) => {
      const taken = await federation.examine(new Secret(token))
      if ('why' in taken) return { isGood: false, ...taken }
      const { issuer, rule, subject, called, groups, expiresAtMs } = taken
      const user = rule.is === 'person' ? await read.users.byProvider(issuer.issuer, subject) : undefined
      const isShutOut = user !== undefined && user.disabledAt !== null
      const name = rule.is === 'person' ? (user?.name ?? called) : rule.is.workload
      const kind = rule.is === 'person' ? 'user' : 'workload'
      return {
        isGood: !isShutOut,
        ...(isShutOut && { why: `user ${user.name} is disabled` }),
        issuer: issuer.name,
        rule: rule.name,
        who: { kind, id: principalId(kind, name), name, groups: [...groups] },
        expiresAt: time(expiresAtMs),
      }
    },
  }
}

function isOf({ is }: IssuerRule): string {
  return is === 'person' ? is : principalId('workload', is.workload)
}
