import type { Readers } from '@sallyport/store'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export function auditRoutes(read: Pick<Readers, 'audit'>): NounRoutes<'audit'> {
  return {
    list: async ({ limit }) => ({
      items: (await read.audit.list(limit)).map(({ seq, at, by, why, changes }) => ({
        sequence: seq,
        at: time(at),
        by,
        why,
        changes: [...changes],
      })),
    }),
  }
}
