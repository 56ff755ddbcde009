import type { Clock, Secret, Webhook, WebhookSecretSource } from '@sallyport/core'
import { version } from '../version.ts'
import { DeliveryProblem } from './delivery-problem.ts'
import { destinationOf } from './destination.ts'
import { bodyOf, type Notice } from './forms.ts'
import { post } from './post.ts'
import { signatureOf } from './signature.ts'

/** Sends one message once. @throws DeliveryProblem */
export type Send = (webhook: Webhook, notice: Notice, signal: AbortSignal) => Promise<void>

export interface SenderParts {
  /** Rejects where it is not there. */
  readonly secret: (source: WebhookSecretSource) => Promise<Secret>
  readonly clock: Clock
}

export function sender({ secret, clock }: SenderParts): Send {
  const open = async (source: WebhookSecretSource, what: string): Promise<Secret> => {
    try {
      return await secret(source)
    } catch {
      throw new DeliveryProblem(`its ${what} is not available`)
    }
  }
  return async (webhook, notice, signal) => {
    const { url, form, allow, secret: source } = webhook
    const destination = await destinationOf(
      typeof url === 'string' ? url : (await open(url, 'url')).reveal(),
      allow,
    )
    const body = bodyOf(form, notice)
    const timestamp = Math.floor(clock.now() / 1000)
    const signed =
      source === undefined
        ? {}
        : { 'sallyport-signature': signatureOf(await open(source, 'secret'), timestamp, body) }
    const headers = {
      'user-agent': `sallyport/${version}`,
      'sallyport-event': notice.event,
      'sallyport-delivery': notice.id,
      'sallyport-timestamp': String(timestamp),
      ...signed,
    }
    await post(destination, headers, body, signal)
  }
}
