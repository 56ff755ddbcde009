import { z } from 'zod'
import { Flag, Id, Time, TokenSeconds } from './fields.ts'
import { created, json, nothing, route } from './route.ts'

const Token = z
  .object({
    id: Id,
    /** A user's name; `workload:NAME` of a workload. */
    user: z.string(),
    label: z.string(),
    createdAt: Time,
    expiresAt: Time,
    state: z.enum(['living', 'expired', 'revoked']),
  })
  .meta({ id: 'Token' })

const token = {
  id: 'tok_1',
  user: 'alice',
  label: 'psql on my laptop',
  createdAt: '2026-01-01T00:00:00Z',
  expiresAt: '2026-01-01T01:00:00Z',
  state: 'living',
} as const

export const tokens = {
  list: route({
    method: 'GET',
    path: '/tokens',
    auth: 'token',
    summary: 'My living access tokens; with all, those of everybody (administrators)',
    query: z.strictObject({ all: Flag }),
    answer: json(z.object({ items: z.array(Token) })),
    example: { output: { items: [token] } },
  }),
  create: route({
    method: 'POST',
    path: '/tokens',
    auth: 'token',
    summary: 'Mint a further access token for myself; never beyond the end of the token that asks',
    body: z.strictObject({
      label: z.string().min(1).max(100),
      ttlSeconds: TokenSeconds,
    }),
    answer: created(Token.extend({ token: z.string() }).meta({ id: 'NewToken' })),
    example: { input: { label: token.label, ttlSeconds: 1800 }, output: { ...token, token: 'sp_…' } },
  }),
  revoke: route({
    method: 'DELETE',
    path: '/tokens/{id}',
    auth: 'token',
    summary: 'Revoke one of my tokens (administrators: anyone’s); its live sessions end at once',
    params: z.strictObject({ id: Id }),
    answer: nothing,
    example: { input: { id: 'tok_1' } },
  }),
}
