import { z } from 'zod'
import { Limit, Time } from './fields.ts'
import { json, route } from './route.ts'

const AuditEntry = z
  .object({
    sequence: z.number().int(),
    at: Time,
    by: z.string(),
    why: z.string(),
    /** What was changed, in words. */
    changes: z.array(z.string()),
  })
  .meta({ id: 'AuditEntry' })

export const audit = {
  list: route({
    method: 'GET',
    path: '/audit',
    auth: 'administer',
    summary: 'Changes to the gateway itself, newest first',
    query: z.strictObject({ limit: Limit }),
    answer: json(z.object({ items: z.array(AuditEntry) })),
    example: {
      output: {
        items: [
          {
            sequence: 7,
            at: '2026-01-01T00:00:00Z',
            by: 'user:alice',
            why: 'apply',
            changes: ['policies: version 3'],
          },
        ],
      },
    },
  }),
}
