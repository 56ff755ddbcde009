import { z } from 'zod'
import { Flag, Id, Time, UserName } from './fields.ts'
import { created, json, nothing, route } from './route.ts'

/** A registered key lives a year at most. */
const maxKeySeconds = 366 * 86_400

/** One line, as `.pub` files have it. */
const PublicKeyText = z.string().min(1).max(32_768)

const SshKey = z
  .object({
    id: Id,
    user: UserName,
    /** What it is for, in its owner's words. */
    label: z.string(),
    /** Such as `ssh-ed25519`. */
    type: z.string(),
    fingerprint: z.string(),
    createdAt: Time,
    expiresAt: Time,
    state: z.enum(['living', 'expired']),
    /** Absent where nobody has logged in by it. */
    lastUsedAt: Time.optional(),
  })
  .meta({ id: 'SshKey' })

const key = {
  id: 'key_1',
  user: 'alice',
  label: 'alice@laptop',
  type: 'ssh-ed25519',
  fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s',
  createdAt: '2026-01-01T00:00:00Z',
  expiresAt: '2026-04-01T00:00:00Z',
  state: 'living',
} as const

const publicKey = 'ssh-ed25519 AAAAC3… alice@laptop'

const keyChallenge = {
  challenge: 'q83vEjRWeJCrze8SNFZ4kKvN7xI0Vng9',
  message:
    'Sallyport: let this key log in over SSH\ngateway: https://gateway.example:8443\nuser: alice\nchallenge: q83vEjRWeJCrze8SNFZ4kKvN7xI0Vng9',
  namespace: 'register-key@sallyport',
  expiresAt: '2026-01-01T00:10:00Z',
} as const

const signature = '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH…\n-----END SSH SIGNATURE-----\n'

export const keys = {
  list: route({
    method: 'GET',
    path: '/keys',
    auth: 'token',
    summary: 'My registered SSH keys; with all, those of everybody (administrators)',
    query: z.strictObject({ all: Flag }),
    answer: json(z.object({ items: z.array(SshKey) })),
    example: { output: { items: [key] } },
  }),
  challenge: route({
    method: 'POST',
    path: '/keys/challenge',
    auth: 'token',
    summary: 'A text for my key to sign, once, so that it can be registered: within 15 minutes of a sign-in',
    answer: created(
      z
        .object({
          challenge: z.string(),
          /** What to sign, to the byte: `ssh-keygen -Y sign -n NAMESPACE`. */
          message: z.string(),
          namespace: z.string(),
          expiresAt: Time,
        })
        .meta({ id: 'KeyChallenge' }),
    ),
    example: { output: keyChallenge },
  }),
  add: route({
    method: 'POST',
    path: '/keys',
    auth: 'token',
    summary:
      'Register a public key of mine that has signed a challenge, by which I may log in over SSH until it ends: within 15 minutes of a sign-in',
    body: z.strictObject({
      publicKey: PublicKeyText,
      challenge: z.string().min(1).max(128),
      /** As `ssh-keygen -Y sign` writes it. */
      signature: z.string().min(1).max(32_768),
      /** The key's own comment where absent. */
      label: z.string().min(1).max(100).optional(),
      /** 90 days where absent. */
      ttlSeconds: z
        .number()
        .int()
        .min(60)
        .max(maxKeySeconds)
        .default(90 * 86_400),
    }),
    answer: created(SshKey),
    example: {
      input: { publicKey, challenge: keyChallenge.challenge, signature, ttlSeconds: 7_776_000 },
      output: key,
    },
  }),
  remove: route({
    method: 'DELETE',
    path: '/keys/{id}',
    auth: 'token',
    summary: 'Remove one of my keys (administrators: anyone’s); sessions that were opened by it end at once',
    params: z.strictObject({ id: Id }),
    answer: nothing,
    example: { input: { id: 'key_1' } },
  }),
  certify: route({
    method: 'POST',
    path: '/keys/certificate',
    auth: 'token',
    forActors: true,
    summary:
      'Certify a public key for as long as the token that asks lives: who has the key logs in over SSH as the token does',
    body: z.strictObject({ publicKey: PublicKeyText }),
    answer: created(
      z
        .object({
          /** One line, for a `-cert.pub` file. */
          certificate: z.string(),
          expiresAt: Time,
        })
        .meta({ id: 'SshCertificate' }),
    ),
    example: {
      input: { publicKey },
      output: {
        certificate: 'ssh-ed25519-cert-v01@openssh.com AAAAIHNza… alice@laptop',
        expiresAt: '2026-01-01T01:00:00Z',
      },
    },
  }),
}
