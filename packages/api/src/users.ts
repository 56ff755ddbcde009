import { z } from 'zod'
import { GroupName, Time, UserName } from './fields.ts'
import { created, json, route } from './route.ts'

const User = z
  .object({
    name: UserName,
    groups: z.array(GroupName),
    /** `invited`: has not used the set-up link yet. */
    state: z.enum(['active', 'invited', 'disabled']),
    createdAt: Time,
    /** The address of who vouches for them; absent for a local user. */
    provider: z.string().optional(),
  })
  .meta({ id: 'User' })

const SetupLink = z
  .object({
    /** Opens the set-up page; good once. */
    url: z.string(),
    expiresAt: Time,
  })
  .meta({ id: 'SetupLink' })

const params = z.strictObject({ name: UserName })
const user = { name: 'bob', groups: ['dba'], state: 'active', createdAt: '2026-01-01T00:00:00Z' } as const
const setupLink = { url: 'https://gateway.example:8443/setup#K7QF-…', expiresAt: '2026-01-02T00:00:00Z' }

export const users = {
  list: route({
    method: 'GET',
    path: '/users',
    auth: 'administer',
    summary: 'Users: local ones, and those whom a provider vouches for',
    answer: json(z.object({ items: z.array(User) })),
    example: { output: { items: [user] } },
  }),
  create: route({
    method: 'POST',
    path: '/users',
    auth: 'administer',
    summary: 'Add a user; answers with the one-time link by which they choose a password',
    body: z.strictObject({ name: UserName, groups: z.array(GroupName).max(100).default([]) }),
    answer: created(z.object({ user: User, setupLink: SetupLink })),
    example: {
      input: { name: 'bob', groups: ['dba'] },
      output: { user: { ...user, state: 'invited' }, setupLink },
    },
  }),
  setGroups: route({
    method: 'PUT',
    path: '/users/{name}/groups',
    auth: 'administer',
    summary: 'Set a user’s groups; live sessions are judged by them from now on',
    params,
    body: z.strictObject({ groups: z.array(GroupName).max(100) }),
    answer: json(User),
    example: { input: { name: 'bob', groups: ['dba'] }, output: user },
  }),
  disable: route({
    method: 'POST',
    path: '/users/{name}/disable',
    auth: 'administer',
    summary: 'Shut a user out: tokens are revoked and live sessions end at once',
    params,
    answer: json(User),
    example: { input: { name: 'bob' }, output: { ...user, state: 'disabled' } },
  }),
  enable: route({
    method: 'POST',
    path: '/users/{name}/enable',
    auth: 'administer',
    summary: 'Let a disabled user sign in again',
    params,
    answer: json(User),
    example: { input: { name: 'bob' }, output: user },
  }),
  renewSetupLink: route({
    method: 'POST',
    path: '/users/{name}/setup-link',
    auth: 'administer',
    summary: 'A new one-time link to choose a password; earlier links stop working',
    params,
    answer: created(SetupLink),
    example: { input: { name: 'bob' }, output: setupLink },
  }),
}
