import { z } from 'zod'
import { Id, Name, Time, TokenSeconds } from './fields.ts'
import { created, json, nothing, route } from './route.ts'

const Agent = z
  .object({
    id: Id,
    /** Agents of one pool stand in for one another. */
    pool: Name,
    /** What people call it. */
    name: z.string(),
    state: z.enum(['attached', 'away', 'revoked']),
    enrolledAt: Time,
    certificateExpiresAt: Time,
    /** Since when, from where and with what, while attached. */
    attachment: z
      .object({
        since: Time,
        address: z.string(),
        version: z.string(),
        streams: z.number().int(),
        roundTripMs: z.number().optional(),
      })
      .optional(),
  })
  .meta({ id: 'Agent' })

const agent = {
  id: 'agt_1',
  pool: 'dc1',
  name: 'db-host-1',
  state: 'attached',
  enrolledAt: '2026-01-01T00:00:00Z',
  certificateExpiresAt: '2026-01-02T00:00:00Z',
  attachment: { since: '2026-01-01T00:00:05Z', address: '10.0.0.7:51122', version: '0.1.0', streams: 3 },
} as const

export const agents = {
  list: route({
    method: 'GET',
    path: '/agents',
    auth: 'administer',
    summary: 'Enrolled agents, and which are attached',
    answer: json(z.object({ items: z.array(Agent) })),
    example: { output: { items: [agent] } },
  }),
  revoke: route({
    method: 'POST',
    path: '/agents/{id}/revoke',
    auth: 'administer',
    summary: 'Revoke an agent’s certificate and cut its tunnel at once',
    params: z.strictObject({ id: Id }),
    answer: nothing,
    example: { input: { id: 'agt_1' } },
  }),
}

const JoinToken = z
  .object({
    id: Id,
    pool: Name,
    usesLeft: z.number().int(),
    createdAt: Time,
    expiresAt: Time,
    state: z.enum(['living', 'used', 'expired', 'revoked']),
  })
  .meta({ id: 'JoinToken' })

const joinToken = {
  id: 'jtk_1',
  pool: 'dc1',
  usesLeft: 1,
  createdAt: '2026-01-01T00:00:00Z',
  expiresAt: '2026-01-01T01:00:00Z',
  state: 'living',
} as const

export const joinTokens = {
  list: route({
    method: 'GET',
    path: '/join-tokens',
    auth: 'administer',
    summary: 'Join tokens that could still enrol an agent',
    answer: json(z.object({ items: z.array(JoinToken) })),
    example: { output: { items: [joinToken] } },
  }),
  create: route({
    method: 'POST',
    path: '/join-tokens',
    auth: 'administer',
    summary: 'Mint a join token for a pool; shown this once',
    body: z.strictObject({
      pool: Name,
      ttlSeconds: TokenSeconds,
      uses: z.number().int().min(1).max(1000).default(1),
    }),
    answer: created(
      JoinToken.extend({
        /** Carries what the agent should trust, too. */
        token: z.string(),
        /** Where the agent dials, `host:port`. */
        gateway: z.string(),
      }).meta({ id: 'NewJoinToken' }),
    ),
    example: {
      input: { pool: 'dc1' },
      output: { ...joinToken, token: 'spj_…', gateway: 'gateway.example:8444' },
    },
  }),
  revoke: route({
    method: 'DELETE',
    path: '/join-tokens/{id}',
    auth: 'administer',
    summary: 'Revoke a join token',
    params: z.strictObject({ id: Id }),
    answer: nothing,
    example: { input: { id: 'jtk_1' } },
  }),
}
