import { z } from 'zod'
import { Time } from './fields.ts'
import { json, route } from './route.ts'

const check = z
  .object({
    name: z.string(),
    state: z.enum(['good', 'warning', 'bad']),
    detail: z.string(),
    /** What to do about it. */
    next: z.string().optional(),
  })
  .meta({ id: 'DoctorCheck' })
export type DoctorCheck = z.infer<typeof check>

const SshAuthority = z
  .object({
    /** One line, as `TrustedUserCAKeys` and `authorized_keys` have them. */
    publicKey: z.string(),
    fingerprint: z.string(),
  })
  .meta({ id: 'SshAuthority' })

export const gateway = {
  version: route({
    method: 'GET',
    path: '/version',
    auth: 'anyone',
    summary: 'Which gateway this is',
    answer: json(z.object({ name: z.literal('sallyport'), version: z.string(), api: z.literal('v1') })),
    example: { output: { name: 'sallyport', version: '0.1.0', api: 'v1' } },
  }),
  signingKey: route({
    method: 'GET',
    path: '/signing-key',
    auth: 'anyone',
    summary: 'The public key that recordings are signed with',
    answer: json(z.object({ algorithm: z.literal('Ed25519'), publicKey: z.string() })),
    example: { output: { algorithm: 'Ed25519', publicKey: '-----BEGIN PUBLIC KEY-----\n…' } },
  }),
  authority: route({
    method: 'GET',
    path: '/authority',
    auth: 'anyone',
    summary:
      'The certificate authority that signs this gateway’s server certificates, for native clients to trust',
    answer: json(
      z.object({
        /** PEM; absent where the operators brought certificates of their own. */
        certificate: z.string().optional(),
        fingerprint: z.string().optional(),
      }),
    ),
    example: {
      output: { certificate: '-----BEGIN CERTIFICATE-----\n…', fingerprint: 'sha256:…' },
    },
  }),
  sshAuthorities: route({
    method: 'GET',
    path: '/ssh-authorities',
    auth: 'anyone',
    summary:
      'The public keys of this gateway’s SSH authorities: what targets trust, as TrustedUserCAKeys has it, and what certifies people’s keys',
    answer: json(z.object({ targets: SshAuthority, users: SshAuthority })),
    example: {
      output: {
        targets: { publicKey: 'ssh-ed25519 AAAAC3… sallyport: targets', fingerprint: 'SHA256:…' },
        users: { publicKey: 'ssh-ed25519 AAAAC3… sallyport: users', fingerprint: 'SHA256:…' },
      },
    },
  }),
  status: route({
    method: 'GET',
    path: '/status',
    auth: 'administer',
    summary: 'How the gateway is doing, in numbers',
    answer: json(
      z
        .object({
          version: z.string(),
          startedAt: Time,
          state: z.enum(['serving', 'draining']),
          policyVersion: z.string(),
          liveSessions: z.number().int(),
          openReviews: z.number().int(),
          agentsAttached: z.number().int(),
          listeners: z.array(z.object({ name: z.string(), host: z.string(), port: z.number().int() })),
        })
        .meta({ id: 'GatewayStatus' }),
    ),
    example: {
      output: {
        version: '0.1.0',
        startedAt: '2026-01-01T00:00:00Z',
        state: 'serving',
        policyVersion: '3',
        liveSessions: 2,
        openReviews: 0,
        agentsAttached: 1,
        listeners: [{ name: 'postgres', host: '0.0.0.0', port: 15432 }],
      },
    },
  }),
  doctor: route({
    method: 'POST',
    path: '/doctor',
    auth: 'administer',
    summary: 'Check the whole set-up, targets’ reachability included, and say what is wrong',
    answer: json(z.object({ healthy: z.boolean(), checks: z.array(check) })),
    example: {
      output: { healthy: true, checks: [{ name: 'store', state: 'good', detail: 'written and read back' }] },
    },
  }),
}
