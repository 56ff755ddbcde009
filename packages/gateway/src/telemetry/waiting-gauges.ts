import type { Clock } from '@sallyport/core'
import type { Readers } from '@sallyport/store'
import { Gauge, type Registry } from 'prom-client'

export interface WaitingParts {
  readonly read: Pick<Readers, 'accessRequests' | 'grants' | 'webhooks'>
  readonly clock: Clock
}

/**
 * What waits in the store, for people or for webhooks, and which grants are good: the same for all processes of a gateway, so that one of
 * them shows it. Read when asked; where the store cannot say, it is left out.
 */
export function addWaitingGauges(registry: Registry, { read, clock }: WaitingParts): void {
  const registers = [registry]
  let backlog: ReturnType<typeof readBacklog> | undefined
  const readBacklog = () => orUnknown(read.webhooks.backlog(clock.now()))
  /** Two of the gauges show it: they ask at the same time, and it is read once for both. */
  const backlogNow = () => (backlog ??= readBacklog().finally(() => (backlog = undefined)))
  new Gauge({
    name: 'sallyport_access_requests_waiting',
    help: 'Requests for access that wait for people: open for an answer, unreviewed for the review after a break-glass',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset()
      const counts = await orUnknown(read.accessRequests.waiting())
      for (const [state, count] of Object.entries(counts ?? {})) this.set({ state }, count)
    },
  })
  new Gauge({
    name: 'sallyport_grants_live',
    help: 'Grants that are good just now',
    labelNames: ['resource'],
    registers,
    async collect() {
      this.reset()
      const counts = await orUnknown(read.grants.countGood(clock.now()))
      for (const { resource, count } of counts ?? []) this.set({ resource }, count)
    },
  })
  new Gauge({
    name: 'sallyport_webhook_outbox',
    help: 'Messages that have not reached a webhook: waiting for an attempt, or dead, which is given up',
    labelNames: ['webhook', 'state'],
    registers,
    async collect() {
      this.reset()
      for (const { webhook, waiting, dead } of (await backlogNow()) ?? []) {
        this.set({ webhook, state: 'waiting' }, waiting)
        this.set({ webhook, state: 'dead' }, dead)
      }
    },
  })
  new Gauge({
    name: 'sallyport_webhook_outbox_age_seconds',
    help: 'How long the message has waited that waits longest, of those that are not dead',
    labelNames: ['webhook'],
    registers,
    async collect() {
      this.reset()
      const now = clock.now()
      for (const { webhook, oldestAt } of (await backlogNow()) ?? [])
        this.set({ webhook }, oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1000)
    },
  })
}

/** What cannot be known of one must not hide all others. */
async function orUnknown<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch(() => undefined)
}
