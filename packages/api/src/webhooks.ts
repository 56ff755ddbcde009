import { z } from 'zod'
import { Id, Limit, Name, Time, WebhookEvent } from './fields.ts'
import { json, route } from './route.ts'

export const Webhook = z
  .object({
    name: Name,
    /** `https://hooks.example`, or where the address comes from: the rest of it may be a secret. */
    to: z.string(),
    form: z.enum(['json', 'slack', 'teams']),
    events: z.array(WebhookEvent),
    isSigned: z.boolean(),
    /** Messages that are due, and have not arrived. */
    waiting: z.number().int(),
    /** Messages that were given up. */
    dead: z.number().int(),
  })
  .meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>

export const WebhookFailure = z
  .object({
    id: Id,
    webhook: Name,
    event: WebhookEvent,
    at: Time,
    attempts: z.number().int(),
    /** Why the last attempt failed. */
    problem: z.string().optional(),
    triedAt: Time.optional(),
  })
  .meta({ id: 'WebhookFailure' })
export type WebhookFailure = z.infer<typeof WebhookFailure>

const webhook: Webhook = {
  name: 'ops',
  to: 'https://hooks.example',
  form: 'json',
  events: ['review-asked', 'break-glass'],
  isSigned: true,
  waiting: 0,
  dead: 1,
}
const failure: WebhookFailure = {
  id: 'whd_1',
  webhook: 'ops',
  event: 'review-asked',
  at: '2026-01-01T00:00:00Z',
  attempts: 14,
  problem: 'it answered 503',
  triedAt: '2026-01-01T03:20:00Z',
}

export const webhooks = {
  list: route({
    method: 'GET',
    path: '/webhooks',
    auth: 'administer',
    summary: 'Webhooks, and what has not reached them',
    answer: json(z.object({ items: z.array(Webhook) })),
    example: { output: { items: [webhook] } },
  }),
  failures: route({
    method: 'GET',
    path: '/webhooks/failures',
    auth: 'administer',
    summary: 'Messages that were given up, newest first; kept for 30 days',
    query: z.strictObject({ webhook: Name.optional(), limit: Limit }),
    answer: json(z.object({ items: z.array(WebhookFailure) })),
    example: { input: { webhook: 'ops' }, output: { items: [failure] } },
  }),
  resend: route({
    method: 'POST',
    path: '/webhooks/failures/resend',
    auth: 'administer',
    summary: 'Send messages that were given up again, as if they were new: one, or all of a webhook',
    body: z.strictObject({ id: Id.optional(), webhook: Name.optional() }),
    answer: json(z.object({ resent: z.number().int() })),
    example: { input: { webhook: 'ops' }, output: { resent: 1 } },
  }),
  test: route({
    method: 'POST',
    path: '/webhooks/{name}/test',
    auth: 'administer',
    summary: 'Send a message now, once, and say whether it arrived',
    params: z.strictObject({ name: Name }),
    answer: json(z.object({ arrived: z.boolean(), problem: z.string().optional() })),
    example: { input: { name: 'ops' }, output: { arrived: false, problem: 'it answered 404' } },
  }),
}
