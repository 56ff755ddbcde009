import { z } from 'zod'
import { Password, Time, TokenSeconds, UserName } from './fields.ts'
import { created, json, route } from './route.ts'

/** An access token, shown this once: only its hash is kept. */
const SignedIn = z
  .object({
    user: UserName,
    token: z.string(),
    expiresAt: Time,
  })
  .meta({ id: 'SignedIn' })

const code = z.string().min(1).max(128)

const signedIn = { user: 'alice', token: 'sp_…', expiresAt: '2026-01-01T01:00:00Z' }

export const setup = {
  look: route({
    method: 'POST',
    path: '/setup/look',
    auth: 'anyone',
    summary: 'Whom a one-time set-up link is for; the link stays good',
    body: z.strictObject({ code }),
    answer: json(
      z.object({
        /** Absent where the link makes the first administrator, who picks a name. */
        user: UserName.optional(),
        expiresAt: Time,
      }),
    ),
    example: { input: { code: 'K7QF-…' }, output: { expiresAt: '2026-01-01T01:00:00Z' } },
  }),
  consume: route({
    method: 'POST',
    path: '/setup',
    auth: 'anyone',
    summary: 'Use a one-time set-up link: choose a name and a password, and be signed in',
    body: z.strictObject({
      code,
      /** For the first administrator; any other link names its user, and a different name is refused. */
      name: UserName.optional(),
      password: Password,
    }),
    answer: created(SignedIn),
    example: {
      input: { code: 'K7QF-…', name: 'alice', password: 'correct horse battery' },
      output: signedIn,
    },
  }),
}

export const login = {
  withPassword: route({
    method: 'POST',
    path: '/login',
    auth: 'anyone',
    summary: 'Sign in with name and password',
    body: z.strictObject({
      name: z.string().min(1).max(128),
      password: z.string().min(1).max(256),
      ttlSeconds: TokenSeconds,
    }),
    answer: json(SignedIn),
    example: { input: { name: 'alice', password: 'correct horse battery' }, output: signedIn },
  }),
}
