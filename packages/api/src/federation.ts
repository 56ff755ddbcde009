import { z } from 'zod'
import { GroupName, Name, Person, Time } from './fields.ts'
import { json, route } from './route.ts'

const Issuer = z
  .object({
    name: Name,
    /** Its address. */
    issuer: z.string(),
    audiences: z.array(z.string()),
    tokens: z.enum(['access', 'workload']),
    rules: z.array(z.object({ name: Name, is: z.string() })),
  })
  .meta({ id: 'Issuer' })

const TestedToken = z
  .object({
    /** Would it let somebody in now? */
    isGood: z.boolean(),
    /** Why not. */
    why: z.string().optional(),
    /** The name of the issuer that it says it is of, where that is declared. */
    issuer: z.string().optional(),
    rule: z.string().optional(),
    /** Who it would be. The id of a person whom the gateway has not seen yet is made at their first sign-in. */
    who: Person.extend({ groups: z.array(GroupName) }).optional(),
    expiresAt: Time.optional(),
  })
  .meta({ id: 'TestedToken' })
export type TestedToken = z.infer<typeof TestedToken>

export const federation = {
  list: route({
    method: 'GET',
    path: '/federation/issuers',
    auth: 'administer',
    summary: 'Declared issuers of tokens, and whom their rules let in',
    answer: json(z.object({ items: z.array(Issuer) })),
    example: {
      output: {
        items: [
          {
            name: 'github',
            issuer: 'https://token.actions.githubusercontent.com',
            audiences: ['https://gateway.example:8443'],
            tokens: 'workload',
            rules: [{ name: 'main', is: 'workload:ci-shop' }],
          },
        ],
      },
    },
  }),
  test: route({
    method: 'POST',
    path: '/federation/test',
    auth: 'administer',
    summary: 'Whom a token of an issuer would let in and by which rule, or why nobody; nothing is kept of it',
    body: z.strictObject({ token: z.string().min(1).max(65_536) }),
    answer: json(TestedToken),
    example: {
      input: { token: 'eyJ…' },
      output: {
        isGood: true,
        issuer: 'github',
        rule: 'main',
        who: { kind: 'workload', id: 'workload:ci-shop', name: 'ci-shop', groups: ['deployers'] },
        expiresAt: '2026-01-01T00:05:00Z',
      },
    },
  }),
}
