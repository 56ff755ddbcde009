import type { ClientAuthorities } from '@sallyport/identity'
import { ProblemError } from '../../front/problem.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export function authorityRoutes(
  clients: Pick<ClientAuthorities, 'list' | 'prepare' | 'switch' | 'retire'>,
): NounRoutes<'authorities'> {
  const list = async () => ({
    items: (await clients.list()).map(({ certificate, fingerprint, notAfterMs, signs }) => ({
      certificate,
      fingerprint,
      expiresAt: time(notAfterMs),
      state: signs ? ('signs' as const) : ('waits' as const),
    })),
  })
  return {
    list,
    prepare: async (_, { caller }) => {
      if (!(await clients.prepare(caller.subject)))
        throw new ProblemError('conflict', 'there are two authorities already', {
          next: 'forget the one that waits: sallyport authorities retire',
        })
      return list()
    },
    switch: async (_, { caller }) => {
      if (!(await clients.switch(caller.subject))) throw noOther
      return list()
    },
    retire: async (_, { caller }) => {
      if (!(await clients.retire(caller.subject))) throw noOther
      return list()
    },
  }
}

const noOther = new ProblemError('conflict', 'there is one authority, and none that waits', {
  next: 'make a second one: sallyport authorities prepare',
})
