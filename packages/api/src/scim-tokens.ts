import { z } from 'zod'
import { Id, Time } from './fields.ts'
import { created, json, nothing, route } from './route.ts'

const ScimToken = z
  .object({
    id: Id,
    label: z.string(),
    createdAt: Time,
    createdBy: z.string(),
    expiresAt: Time,
    state: z.enum(['living', 'expired', 'revoked']),
    /** Absent where nobody has used it; to the minute. */
    lastUsedAt: Time.optional(),
    lastUsedFrom: z.string().optional(),
  })
  .meta({ id: 'ScimToken' })

const token = {
  id: 'stk_1',
  label: 'Entra ID',
  createdAt: '2026-01-01T00:00:00Z',
  createdBy: 'user:alice',
  expiresAt: '2027-01-01T00:00:00Z',
  state: 'living',
} as const

export const scimTokens = {
  list: route({
    method: 'GET',
    path: '/scim-tokens',
    auth: 'administer',
    summary: 'Tokens by which a provider’s SCIM connector keeps people and groups up to date, newest first',
    answer: json(z.object({ items: z.array(ScimToken) })),
    example: { output: { items: [token] } },
  }),
  create: route({
    method: 'POST',
    path: '/scim-tokens',
    auth: 'administer',
    summary:
      'Make a token for a SCIM connector, shown this once; five may live at a time, so that one can follow another',
    body: z.strictObject({
      label: z.string().min(1).max(100),
      /** 365 days at most, and where absent. */
      ttlDays: z.number().int().min(1).max(365).default(365),
    }),
    answer: created(ScimToken.extend({ token: z.string() }).meta({ id: 'NewScimToken' })),
    example: { input: { label: token.label, ttlDays: 365 }, output: { ...token, token: 'spm_…' } },
  }),
  revoke: route({
    method: 'DELETE',
    path: '/scim-tokens/{id}',
    auth: 'administer',
    summary: 'Revoke a SCIM token; people and groups stay as they are',
    params: z.strictObject({ id: Id }),
    answer: nothing,
    example: { input: { id: 'stk_1' } },
  }),
}
