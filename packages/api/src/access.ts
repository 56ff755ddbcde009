import { z } from 'zod'
import { Actor, Id, Name, Person, Time } from './fields.ts'
import { lines, route } from './route.ts'

/** One way in that a person has. */
export const AccessLine = z
  .object({
    principal: Person,
    /** Differs from the principal where the grant is one for something that acts for them. */
    actor: Actor,
    resource: z.string(),
    account: z.string(),
    /**
     * `policy`: at any time, or at the hours that it says. `grant`: until it ends. `break-glass`: whenever they take it, reviewed
     * afterwards. `request`: once somebody approves it.
     */
    how: z.enum(['policy', 'grant', 'break-glass', 'request']),
    /** Ids of those that determined it. */
    policies: z.array(z.string()),
    grant: z
      .object({
        id: Id,
        endsAt: Time,
        /** The requester's words. */
        reason: z.string(),
        /** Principal ids; empty after a break-glass. */
        approvers: z.array(z.string()),
      })
      .optional(),
    /** When they last began a session there. */
    lastUsedAt: Time.optional(),
  })
  .meta({ id: 'AccessLine' })
export type AccessLine = z.infer<typeof AccessLine>

const person = { kind: 'user', id: 'user:alice', name: 'alice' } as const

export const access = {
  report: route({
    method: 'GET',
    path: '/access/report',
    auth: 'token',
    summary:
      'Who can reach what, why, and when they last did, as things stand now; on resources whose recordings I may replay',
    query: z.strictObject({
      resource: Name.optional(),
      /** A principal's id or name. */
      user: z.string().max(128).optional(),
    }),
    answer: lines(AccessLine),
    example: {
      input: { resource: 'orders-db' },
      output: {
        principal: person,
        actor: person,
        resource: 'orders-db',
        account: 'app_rw',
        how: 'grant',
        policies: ['admin-on-request'],
        grant: {
          id: 'grt_1',
          endsAt: '2026-01-01T02:05:00Z',
          reason: 'a broken import',
          approvers: ['user:bob'],
        },
        lastUsedAt: '2026-01-01T00:10:00Z',
      },
    },
  }),
}
