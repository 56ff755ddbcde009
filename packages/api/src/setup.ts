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
  methods: route({
    method: 'GET',
    path: '/login',
    auth: 'anyone',
    summary: 'How people sign in here',
    answer: json(
      z.object({
        /** What they know the identity provider by, where there is one. */
        provider: z.string().optional(),
        /** Where its pages are for a browser. */
        url: z.string(),
      }),
    ),
    example: { output: { provider: 'ACME', url: 'https://gateway.example:8443' } },
  }),
  withCode: route({
    method: 'POST',
    path: '/login/code',
    auth: 'anyone',
    summary: 'Trade the code that a browser has brought over loopback for a token, once (RFC 8252, RFC 7636)',
    body: z.strictObject({
      code,
      verifier: z.string().regex(/^[A-Za-z0-9._~-]{43,128}$/, 'that is no verifier'),
    }),
    answer: json(SignedIn),
    example: {
      input: { code: 'spd_…', verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk' },
      output: signedIn,
    },
  }),

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

/** Sign-ins that a program begins, and a person completes in a browser. RFC 8628 */
export const device = {
  begin: route({
    method: 'POST',
    path: '/device',
    auth: 'anyone',
    summary:
      'Begin a sign-in that a person completes in a browser, where they see the code, the program and its address',
    body: z.strictObject({
      /** What asks, in a word or two. */
      program: z.string().min(1).max(40),
    }),
    answer: created(
      z.object({
        /** By which to ask for the token; shown to nobody. */
        deviceCode: z.string(),
        userCode: z.string(),
        /** Where to go. */
        url: z.string(),
        /** The same with the code in it. */
        urlWithCode: z.string(),
        expiresAt: Time,
      }),
    ),
    example: {
      input: { program: 'sallyport login' },
      output: {
        deviceCode: 'spd_…',
        userCode: 'WDJB-MJHT',
        url: 'https://gateway.example:8443/device',
        urlWithCode: 'https://gateway.example:8443/device?code=WDJB-MJHT',
        expiresAt: '2026-01-01T00:10:00Z',
      },
    },
  }),
  token: route({
    method: 'POST',
    path: '/device/token',
    auth: 'anyone',
    summary:
      'The token, once a person has let the program in: waits for up to 20 s, and is asked again while it is pending',
    body: z.strictObject({ deviceCode: code }),
    answer: json(z.object({ state: z.enum(['pending', 'signed-in']), signedIn: SignedIn.optional() })),
    example: { input: { deviceCode: 'spd_…' }, output: { state: 'pending' } },
  }),
}
