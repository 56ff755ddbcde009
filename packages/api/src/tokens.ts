import { z } from 'zod'
import { Actor, Flag, Id, Restriction, Time, TokenSeconds, UserName } from './fields.ts'
import { created, json, nothing, route } from './route.ts'

/** As long as any access token. */
const maxDelegatedSeconds = 12 * 3600

const Token = z
  .object({
    id: Id,
    /** A user's name; `workload:NAME` of a workload. */
    user: z.string(),
    label: z.string(),
    createdAt: Time,
    expiresAt: Time,
    state: z.enum(['living', 'expired', 'revoked']),
    /** What uses it for the user; absent where they do. */
    actor: Actor.optional(),
    /** What it is narrowed to. */
    scope: z.array(Restriction).optional(),
    /** By which it was delegated: it ends with that. */
    parent: Id.optional(),
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

const delegated = {
  ...token,
  id: 'tok_2',
  label: 'claude',
  actor: { kind: 'agent', id: 'agent:claude', name: 'claude' },
  scope: [{ resources: ['orders-db'], actions: ['read', 'session'] }],
  parent: 'tok_1',
} as const

const NewToken = Token.extend({ token: z.string() }).meta({ id: 'NewToken' })

export const tokens = {
  list: route({
    method: 'GET',
    path: '/tokens',
    auth: 'token',
    forActors: true,
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
    answer: created(NewToken),
    example: { input: { label: token.label, ttlSeconds: 1800 }, output: { ...token, token: 'sp_…' } },
  }),
  delegate: route({
    method: 'POST',
    path: '/tokens/delegated',
    auth: 'token',
    forActors: true,
    summary:
      'Mint a token by which an agent acts for me, with no more than I have; it ends with the token that asks',
    body: z.strictObject({
      /** The agent's name, as it is to be called here. */
      agent: UserName,
      label: z.string().min(1).max(100).optional(),
      ttlSeconds: z.number().int().min(60).max(maxDelegatedSeconds).default(1800),
      restriction: Restriction.prefault({}),
    }),
    answer: created(NewToken),
    example: {
      input: {
        agent: 'claude',
        ttlSeconds: 1800,
        restriction: { resources: ['orders-db'], actions: ['read', 'session'] },
      },
      output: { ...delegated, token: 'sp_…' },
    },
  }),
  revoke: route({
    method: 'DELETE',
    path: '/tokens/{id}',
    auth: 'token',
    forActors: true,
    summary: 'Revoke one of my tokens (administrators: anyone’s); its live sessions end at once',
    params: z.strictObject({ id: Id }),
    answer: nothing,
    example: { input: { id: 'tok_1' } },
  }),
}
