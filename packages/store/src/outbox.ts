import { randomBytes } from 'node:crypto'
import {
  actorKey,
  actorsOf,
  webhookDeliveryId,
  type Actor,
  type Told,
  type Webhook,
  type WebhookEvent,
  type WebhookNews,
} from '@sallyport/core'
import type { Change } from './changes.ts'

/** Something to tell webhooks of: made only where one wants to know. */
export interface Telling {
  readonly event: WebhookEvent
  /** Id of what it is about. */
  readonly subject: string
  readonly news: () => WebhookNews | Promise<WebhookNews>
  /** When it is to be told; at once where absent. */
  readonly dueAt?: number
}

/**
 * Puts it into the outbox of every webhook that wants to know, in the very transaction of what it tells of: both are there, or
 * neither.
 */
export async function tellWebhooks(change: Change, { event, subject, news, dueAt }: Telling): Promise<void> {
  const rows = await change.db.selectFrom('webhooks').select('document').orderBy('name').execute()
  const wanting = rows
    .map(({ document }) => JSON.parse(document) as Webhook)
    .filter(({ events }) => events.includes(event))
  if (wanting.length === 0) return
  const told = await news()
  for (const { name, statements } of wanting) {
    const isFull = (await waitingFor(change, name)) >= maxWaiting
    const { nowMs } = change
    const id = webhookDeliveryId(nowMs, orderedRandom())
    await change.db
      .insertInto('webhookDeliveries')
      .values({
        id,
        webhook: name,
        event,
        subject,
        news: JSON.stringify(statements === 'none' ? withoutStatement(told) : told),
        at: dueAt ?? nowMs,
        dueAt: dueAt ?? nowMs,
        attempts: 0,
        state: isFull ? 'dead' : 'waiting',
        problem: isFull ? `${maxWaiting} messages waited before it` : null,
        triedAt: null,
      })
      .execute()
    change.changed({ table: 'webhookDeliveries', key: id, verb: 'created' })
  }
}

/** Takes back what was to be told later. */
export async function tellNoMore({ db }: Change, event: WebhookEvent, subject: string): Promise<void> {
  await db
    .deleteFrom('webhookDeliveries')
    .where('subject', '=', subject)
    .where('event', '=', event)
    .where('state', '=', 'waiting')
    .where('attempts', '=', 0)
    .execute()
}

/** What comes in one millisecond keeps its order: the first digits count. */
function orderedRandom(): Uint8Array {
  const random = randomBytes(16)
  for (let digit = 0, rest = made++; digit < countingDigits; digit++, rest = Math.floor(rest / 32))
    random[countingDigits - 1 - digit] = rest % 32
  return random
}

let made = 0
const countingDigits = 6

async function waitingFor({ db }: Change, webhook: string): Promise<number> {
  const { count } = await db
    .selectFrom('webhookDeliveries')
    .select((select) => select.fn.countAll<number | bigint>().as('count'))
    .where('webhook', '=', webhook)
    .where('state', '=', 'waiting')
    .executeTakeFirstOrThrow()
  return Number(count)
}

function withoutStatement(news: WebhookNews): WebhookNews {
  return news.about === 'review' ? { ...news, review: { ...news.review, text: '' } } : news
}

export function answerTold<Verdict>(answer: {
  readonly byId: string
  readonly byName: string
  readonly verdict: Verdict
  readonly comment: string | null
}): { by: Told; verdict: Verdict; comment: string | null } {
  const { byId, byName, verdict, comment } = answer
  return { by: { id: byId, name: byName }, verdict, comment: shortenedOrNull(comment) }
}

export function told({ id, name }: Told): Told {
  return { id, name }
}

/** The actor and who acted before it, as one. */
export function toldActor(actor: Actor): Told {
  const name = actorsOf(actor)
    .map((one) => one.name)
    .join(' via ')
  return { id: actorKey(actor), name }
}

/** People's words and statements, as far as a message takes them. */
export function shortened(text: string, maxLength = maxTextLength): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`
}

export function shortenedOrNull(text: string | null): string | null {
  return text === null ? null : shortenedWords(text)
}

export function shortenedWords(text: string): string {
  return shortened(text, maxWordsLength)
}

/** For one webhook: those that come on top are dead letters at once. */
const maxWaiting = 10_000
/** Characters. */
const maxTextLength = 2_000
const maxWordsLength = 500
