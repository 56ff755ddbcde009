import type { Clock } from '@sallyport/core'
import { secretFrom } from '@sallyport/identity'
import { Deliverer } from '../webhooks/deliverer.ts'
import { sender, type Send } from '../webhooks/sender.ts'
import type { Config } from '../config/schema.ts'
import type { Events } from '../telemetry/events.ts'
import type { Foundation } from './foundation.ts'
import { withheld } from './control-core.ts'

export interface WebhookOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly foundation: Foundation
  readonly events: Events
}

/**
 * Begins to tell webhooks of what happens.
 * @param life takes whatever has to be ended
 */
export function openWebhooks(
  life: AsyncDisposableStack,
  { config, environment, clock, foundation, events }: WebhookOptions,
): Send {
  const { store, box } = foundation
  const parts = { credentials: store.read.credentials, box, environment, ...withheld(config) }
  const send = sender({ secret: (source) => secretFrom(parts, source), clock })
  life.use(
    new Deliverer({
      store,
      send,
      clock,
      random: Math.random,
      onAttempt: (attempted) => events.webhook(attempted),
      onTrouble: (error) => events.trouble('webhooks', error),
    }),
  )
  return send
}
