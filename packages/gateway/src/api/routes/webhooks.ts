import { randomBytes } from 'node:crypto'
import { webhookDeliveryId, type Clock, type Webhook } from '@sallyport/core'
import type { Store, WebhookBacklog, WebhookDelivery } from '@sallyport/store'
import { notFound, ProblemError } from '../../front/problem.ts'
import { DeliveryProblem } from '../../webhooks/delivery-problem.ts'
import type { Send } from '../../webhooks/sender.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export interface WebhookRouteParts {
  readonly store: Pick<Store, 'read' | 'write'>
  readonly send: Send
  readonly clock: Clock
}

export function webhookRoutes({ store, send, clock }: WebhookRouteParts): NounRoutes<'webhooks'> {
  const { webhooks } = store.read
  return {
    list: async () => {
      const backlog = await webhooks.backlog(clock.now())
      return {
        items: (await webhooks.list()).map((webhook) =>
          view(
            webhook,
            backlog.find((one) => one.webhook === webhook.name),
          ),
        ),
      }
    },
    failures: async ({ webhook, limit }) => ({
      items: (await webhooks.failures(limit, webhook)).map(failureView),
    }),
    resend: async ({ id, webhook }, { caller }) => {
      if ((id === undefined) === (webhook === undefined))
        throw new ProblemError('invalid-request', 'say which: an id, or a webhook')
      const which = id === undefined ? { webhook: webhook ?? '' } : { id }
      const resent = await store.write(caller.subject, 'resend webhook messages', (tx) =>
        tx.webhooks.resend(which),
      )
      if (resent === 0) throw notFound('message that was given up')
      return { resent }
    },
    test: async ({ name }, { caller }) => {
      const webhook = await webhooks.get(name)
      if (webhook === undefined) throw notFound('webhook')
      await store.write(caller.subject, 'test a webhook', (tx) =>
        Promise.resolve(tx.note(`webhook ${name} tested`, { kind: 'webhook' })),
      )
      const at = clock.now()
      const id = webhookDeliveryId(at, randomBytes(16))
      try {
        await send(webhook, { id, event: 'test', at, news: { about: 'test' } }, AbortSignal.timeout(testMs))
        return { arrived: true }
      } catch (thrown) {
        if (!(thrown instanceof DeliveryProblem)) throw thrown
        return { arrived: false, problem: thrown.message }
      }
    },
  }
}

function view({ name, url, form, events, secret }: Webhook, backlog: WebhookBacklog | undefined) {
  return {
    name,
    to: typeof url === 'string' ? new URL(url).origin : `from ${url.from}`,
    form,
    events: [...events],
    isSigned: secret !== undefined,
    waiting: backlog?.waiting ?? 0,
    dead: backlog?.dead ?? 0,
  }
}

function failureView({ id, webhook, event, at, attempts, problem, triedAt }: WebhookDelivery) {
  return {
    id,
    webhook,
    event,
    at: time(at),
    attempts,
    ...(problem === null ? {} : { problem }),
    ...(triedAt === null ? {} : { triedAt: time(triedAt) }),
  }
}

const testMs = 15_000
