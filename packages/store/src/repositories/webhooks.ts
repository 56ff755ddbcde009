import { sql, type Kysely } from 'kysely'
import type { Webhook, WebhookEvent, WebhookNews } from '@sallyport/core'
import type { Change } from '../changes.ts'
import { tellWebhooks, type Telling } from '../outbox.ts'
import type { Tables } from '../schema.ts'

/** A message to one webhook that is not delivered: it waits, or has been given up. */
export interface WebhookDelivery {
  /** The same at every attempt: whoever gets it twice can tell. */
  readonly id: string
  readonly webhook: string
  readonly event: WebhookEvent
  readonly news: WebhookNews
  /** When it happened. */
  readonly at: number
  /** Not to be sent before. */
  readonly dueAt: number
  /** Failed ones. */
  readonly attempts: number
  readonly state: 'waiting' | 'dead'
  /** Why the last attempt failed. */
  readonly problem: string | null
  readonly triedAt: number | null
}

/** How many messages have not reached a webhook. */
export interface WebhookBacklog {
  readonly webhook: string
  /** Of what has happened by now, those that are tried again later included. */
  readonly waiting: number
  readonly dead: number
  /** When that happened which has waited longest; null where nothing waits. */
  readonly oldestAt: number | null
}

export class WebhookReader {
  protected readonly db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.db = db
  }

  /** By name. */
  async list(): Promise<readonly Webhook[]> {
    const rows = await this.db.selectFrom('webhooks').select('document').orderBy('name').execute()
    return rows.map((row) => JSON.parse(row.document) as Webhook)
  }

  async get(name: string): Promise<Webhook | undefined> {
    const row = await this.db
      .selectFrom('webhooks')
      .select('document')
      .where('name', '=', name)
      .executeTakeFirst()
    return row && (JSON.parse(row.document) as Webhook)
  }

  /** What is to be sent now, to those not in `busy`: of each webhook the one that has waited longest. */
  async due(nowMs: number, busy: readonly string[]): Promise<readonly WebhookDelivery[]> {
    const rows = await this.db
      .selectFrom('webhookDeliveries')
      .selectAll()
      .where('state', '=', 'waiting')
      .where('dueAt', '<=', nowMs)
      .$if(busy.length > 0, (query) => query.where('webhook', 'not in', busy))
      .orderBy('dueAt')
      .orderBy('id')
      .limit(maxLooked)
      .execute()
    const seen = new Set<string>()
    return rows.filter(({ webhook }) => !seen.has(webhook) && seen.add(webhook)).map(parse)
  }

  /** When something is to be sent next, after `nowMs`. */
  async nextDueAt(nowMs: number): Promise<number | undefined> {
    const row = await this.db
      .selectFrom('webhookDeliveries')
      .select('dueAt')
      .where('state', '=', 'waiting')
      .where('dueAt', '>', nowMs)
      .orderBy('dueAt')
      .limit(1)
      .executeTakeFirst()
    return row?.dueAt
  }

  /** Of every webhook, by name. */
  async backlog(nowMs: number): Promise<readonly WebhookBacklog[]> {
    const names = await this.db.selectFrom('webhooks').select('name').orderBy('name').execute()
    const rows = await this.db
      .selectFrom('webhookDeliveries')
      .select(['webhook', 'state'])
      .select((select) => select.fn.countAll<number | bigint>().as('count'))
      .select((select) => select.fn.min('at').as('oldestAt'))
      .where(sql<boolean>`("state" = 'dead' or "at" <= ${nowMs})`)
      .groupBy(['webhook', 'state'])
      .execute()
    return names.map(({ name }) => {
      const of = (state: string) => rows.find((row) => row.webhook === name && row.state === state)
      const waiting = of('waiting')
      return {
        webhook: name,
        waiting: Number(waiting?.count ?? 0),
        dead: Number(of('dead')?.count ?? 0),
        oldestAt: waiting === undefined ? null : Number(waiting.oldestAt),
      }
    })
  }

  /** Those that were given up, newest first. */
  async failures(limit: number, webhook?: string): Promise<readonly WebhookDelivery[]> {
    const rows = await this.db
      .selectFrom('webhookDeliveries')
      .selectAll()
      .where('state', '=', 'dead')
      .$if(webhook !== undefined, (query) => query.where('webhook', '=', webhook ?? ''))
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(parse)
  }
}

export class WebhookWriter extends WebhookReader {
  readonly #change: Change

  constructor(change: Change) {
    super(change.db)
    this.#change = change
  }

  /** Declares it anew or in place of what was there. */
  async put(webhook: Webhook): Promise<void> {
    const { name } = webhook
    const row = { document: JSON.stringify(webhook), updatedAt: this.#change.nowMs }
    const verb = (await this.get(name)) === undefined ? 'created' : 'changed'
    await this.db
      .insertInto('webhooks')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute()
    const where = typeof webhook.url === 'string' ? new URL(webhook.url).origin : `from ${webhook.url.from}`
    this.#change.note(
      `webhook ${name} declared: ${webhook.form} to ${where} of ${webhook.events.join(', ')}`,
      { table: 'webhooks', key: name, verb },
    )
  }

  /** With all that it has not been told. */
  async delete(name: string): Promise<boolean> {
    const { numDeletedRows: lost } = await this.db
      .deleteFrom('webhookDeliveries')
      .where('webhook', '=', name)
      .executeTakeFirst()
    const { numDeletedRows } = await this.db
      .deleteFrom('webhooks')
      .where('name', '=', name)
      .executeTakeFirst()
    if (numDeletedRows === 0n) return false
    this.#change.note(`webhook ${name} deleted, and ${lost} messages that it did not get`, {
      table: 'webhooks',
      key: name,
      verb: 'ended',
    })
    return true
  }

  /** Tells of what changed nothing in the store. What changes something, tells by itself. */
  tell(telling: Telling): Promise<void> {
    return tellWebhooks(this.#change, telling)
  }

  async delivered(id: string): Promise<void> {
    await this.db.deleteFrom('webhookDeliveries').where('id', '=', id).execute()
  }

  /** @param next when to try again, or that nobody will unless told to */
  async failed(id: string, problem: string, next: { readonly dueAt: number } | 'dead'): Promise<void> {
    await this.db
      .updateTable('webhookDeliveries')
      .set((set) => ({
        attempts: set('attempts', '+', 1),
        problem,
        triedAt: this.#change.nowMs,
        ...(next === 'dead' ? { state: next } : next),
      }))
      .where('id', '=', id)
      .execute()
  }

  /** Sends dead letters again, as often as new ones: one, or all of a webhook. @returns how many */
  async resend(which: { readonly id: string } | { readonly webhook: string }): Promise<number> {
    const [column, value] =
      'id' in which ? (['id', which.id] as const) : (['webhook', which.webhook] as const)
    const rows = await this.db
      .updateTable('webhookDeliveries')
      .set({ state: 'waiting', attempts: 0, dueAt: this.#change.nowMs })
      .where(column, '=', value)
      .where('state', '=', 'dead')
      .returning(['id', 'webhook'])
      .execute()
    const [first] = rows
    if (first === undefined) return 0
    this.#change.note(`${rows.length} messages to webhook ${first.webhook} sent again`, {
      table: 'webhookDeliveries',
      key: first.id,
      verb: 'changed',
    })
    return rows.length
  }

  /** Forgets dead letters of what happened before. */
  async forgetDead(beforeMs: number): Promise<void> {
    await this.db
      .deleteFrom('webhookDeliveries')
      .where('state', '=', 'dead')
      .where('at', '<', beforeMs)
      .execute()
  }
}

function parse({ subject: _subject, ...row }: Tables['webhookDeliveries']): WebhookDelivery {
  return {
    ...row,
    event: row.event as WebhookEvent,
    news: JSON.parse(row.news) as WebhookNews,
    state: row.state as WebhookDelivery['state'],
  }
}

const maxLooked = 200
