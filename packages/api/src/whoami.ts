import { z } from 'zod'
import { Actor, GroupName, Id, Person, Restriction, Time } from './fields.ts'
import { json, nothing, route } from './route.ts'

export const whoami = {
  get: route({
    method: 'GET',
    path: '/whoami',
    auth: 'token',
    forActors: true,
    summary: 'Whom this token speaks for, and until when',
    answer: json(
      z
        .object({
          principal: Person.extend({ groups: z.array(GroupName) }),
          /** Differs from the principal where something acts for a person. */
          actor: Actor,
          /** What was delegated to the actor, where less than all. */
          scope: z.array(Restriction).optional(),
          token: z.object({ id: Id, label: z.string(), expiresAt: Time }),
          mayAdminister: z.boolean(),
          /** How the principal has signed in, where that is known. */
          signedIn: z
            .object({ acr: z.array(z.string()), amr: z.array(z.string()), at: Time.optional() })
            .optional(),
        })
        .meta({ id: 'WhoAmI' }),
    ),
    example: {
      output: {
        principal: { kind: 'user', id: 'user:alice', name: 'alice', groups: ['developers'] },
        actor: { kind: 'user', id: 'user:alice', name: 'alice' },
        token: { id: 'tok_1', label: 'login', expiresAt: '2026-01-01T01:00:00Z' },
        mayAdminister: false,
      },
    },
  }),
  logout: route({
    method: 'POST',
    path: '/logout',
    auth: 'token',
    forActors: true,
    summary: 'Revoke this very token; its live sessions end',
    answer: nothing,
    example: {},
  }),
}
