import { z } from 'zod'
import { Time } from './fields.ts'
import { json, route } from './route.ts'

const ClientAuthority = z
  .object({
    /** PEM, as `ssl_ca_file` has it. */
    certificate: z.string(),
    /** SHA-256 of the certificate, in hexadecimal digits. */
    fingerprint: z.string(),
    expiresAt: Time,
    /** `signs` certifies what the gateway logs in with now; `waits` may later, or has before. */
    state: z.enum(['signs', 'waits']),
  })
  .meta({ id: 'ClientAuthority' })

const answer = json(z.object({ items: z.array(ClientAuthority) }))

const signs = {
  certificate: '-----BEGIN CERTIFICATE-----\n…',
  fingerprint: '5f0c…',
  expiresAt: '2036-01-01T00:00:00Z',
  state: 'signs',
} as const
const waits = { ...signs, fingerprint: '1b4e…', state: 'waits' } as const

export const authorities = {
  list: route({
    method: 'GET',
    path: '/client-authorities',
    auth: 'anyone',
    summary:
      'The authorities that targets trust to say by TLS that it is this gateway that logs in: one, or two while one takes over',
    answer,
    example: { output: { items: [signs] } },
  }),
  prepare: route({
    method: 'POST',
    path: '/client-authorities/prepare',
    auth: 'administer',
    summary: 'Make a second authority, which waits until targets trust it, too',
    answer,
    example: { output: { items: [signs, waits] } },
  }),
  switch: route({
    method: 'POST',
    path: '/client-authorities/switch',
    auth: 'administer',
    summary: 'Have the authority sign that waits, and keep the other one',
    answer,
    example: { output: { items: [signs, waits] } },
  }),
  retire: route({
    method: 'POST',
    path: '/client-authorities/retire',
    auth: 'administer',
    summary: 'Forget the authority that waits',
    answer,
    example: { output: { items: [signs] } },
  }),
}
